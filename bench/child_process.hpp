// Another program run to its end.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace assay::bench {

// A program that could not be run, or did not end as it should; what() says which, and what it
// said last.
class child_failed : public std::runtime_error {
 public:
  child_failed(const std::string& what, int status) : runtime_error(what), status(status) {}
  int status;  // its exit status; 128 + N where signal N ended it
};

class child_interrupted : public std::runtime_error {
 public:
  child_interrupted() : runtime_error("interrupted") {}
};

struct child_options {
  std::string folder;  // where it runs; empty: here
  // Each line of its standard output and error, as it comes.
  std::function<void(const std::string&)> line;
  // Asked ten times a second: true ends the child, and child_interrupted is thrown.
  std::function<bool()> stop;
};

// Runs arguments[0], found on PATH where it has no slash; returns its exit status, 128 + N where
// signal N ended it. Throws child_failed where it cannot be started. The child dies with this
// process.
int run_child(const std::vector<std::string>& arguments, const child_options& options = {});

// The same for a program that must succeed: what it said on standard output, without the last line
// end. Throws child_failed, with the last lines of what it said, where its status is not 0.
std::string output_of(const std::vector<std::string>& arguments, const child_options& options = {});

// The folder of the running program.
std::string folder_of_this_program();

}  // namespace assay::bench
