// What is being run right now, in a file: a run that takes its process down, or the machine, is
// still named.
//
// One line a slot, of fixed width; a slot holds the id that is running, or blanks. Child processes
// write into slots that they were given, the parent clears and removes.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace assay::tools {

class journal {
 public:
  // `folder/fuzz-PID.journal`, made with its folder. Throws bad_input where that cannot be.
  journal(const std::string& folder, std::size_t slots);
  ~journal();  // removes the file
  journal(const journal&) = delete;
  journal& operator=(const journal&) = delete;

  void write(std::size_t slot, const std::string& line) const;
  void clear(std::size_t slot) const { write(slot, ""); }
  std::string read(std::size_t slot) const;  // without the blanks

  // What journals in a folder name whose processes are gone, and removes them. None where there is
  // no such folder.
  static std::vector<std::string> left_behind(const std::string& folder);

 private:
  std::string path_;
  int file_;
  int owner_;  // the process that made it: children do not remove it
};

}  // namespace assay::tools
