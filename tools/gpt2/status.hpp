// What kernels do to a command's exit status.
#pragma once

#include <functional>

namespace assay::gpt2 {

// What `body` returns; but 1 where the sanitized emulator found something (--sanitize), 6 where a
// kernel was stopped, 77 where there is no GPU. Each is told in a line, findings one each.
int status_of_kernels(const std::function<int()>& body);

}  // namespace assay::gpt2
