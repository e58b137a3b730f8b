// A folder for scratch files: new, empty, and gone with all that is in it when its owner is.
#pragma once

#include <string>

namespace assay::properties {

class temporary_folder {
 public:
  temporary_folder();  // throws bad_input where none can be made
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder();

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace assay::properties
