// A pool of operating system threads that live as long as the process and run the blocks of a grid.
#pragma once

#include <functional>

namespace assay::simt {

unsigned core_count();

// Runs WORK on COUNT threads at once, the calling one among them, and returns when all have
// returned. WORK must not throw. One caller at a time; others wait their turn.
void run_on_workers(unsigned count, const std::function<void()>& work);

}  // namespace assay::simt
