// A command run as its users run it: as a child process in a folder of its own, with everything it
// says caught.
#pragma once

#include "properties/temporary_folder.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <sys/types.h>
#include <functional>
#include <string>
#include <vector>

namespace assay::tools::test {

struct ended {
  int code = -1;  // exit status; 128 + N of a process that died of signal N
  std::string out, err;

  std::vector<std::string> lines() const;        // of out
  std::string line_from_end(std::size_t) const;  // 0: the last; colours and all
  nlohmann::json json() const;                   // of out; a failure and null where it is none
};

struct how {
  std::string program = ASSAY_COMMAND;
  std::vector<std::string> environment = {};  // NAME=VALUE, besides the tests' own
  std::string from = "";                      // standard input is this file, not the tests' own
  std::string to = "";                        // standard output goes to this file, not to `out`
  bool on_terminal = false;                   // standard output is a terminal, and in `out`
  std::function<void(pid_t)> meanwhile = {};  // is called with the running process
  unsigned long largest_file = 0;             // bytes a file may grow to; 0: any
};

// A test with an empty folder, in which its commands run.
class command : public testing::Test {
 protected:
  ended assay(const std::vector<std::string>& arguments, const how& with = {}) const;
  // The command with the kernels that are wrong on purpose.
  ended broken(const std::vector<std::string>& arguments) const;

  std::string path(const std::string& name) const { return folder_.file(name); }
  bool exists(const std::string& name) const;
  std::string contents(const std::string& name) const;
  void write(const std::string& name, const std::string& contents) const;
  std::vector<std::string> files() const;  // names in the folder

 private:
  properties::temporary_folder folder_;
};

// One clear line on standard error, which begins with the program's name; exit status 2, nothing on
// standard output.
void expect_refused(const ended& result, const std::string& because,
                    const std::string& program = "assay");

bool has_gpu();
// What the command says where cuda did not run.
std::string why_no_cuda();

}  // namespace assay::tools::test
