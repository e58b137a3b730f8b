// assay_bench of another revision: built beside the work tree, with its build tree's settings.
#pragma once

#include <functional>
#include <string>

namespace assay::bench {

struct revision_options {
  std::string build;  // the work tree's build tree: settings come from its CMakeCache.txt
  std::string target = "assay_bench";
  std::function<bool()> stop;
  std::function<void(const std::string& line)> line;  // what git, cmake and the compiler say
};

struct built_revision {
  std::string commit;
  std::string program;
  std::string resources;  // what ptxas said of its kernels; empty without nvcc
};

// The program of revision `rev`, from a git worktree under BUILD/against, which is removed once it
// is built; the program stays, by commit and settings, and is built once. Throws bad_input for what
// is no revision or no build tree, child_failed where it does not build, child_interrupted.
built_revision build_revision(const std::string& rev, const revision_options& options);

// Builds the target of the work tree itself; returns the program's path.
std::string build_here(const revision_options& options);

}  // namespace assay::bench
