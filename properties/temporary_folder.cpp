#include "properties/temporary_folder.hpp"

#include "properties/bad_input.hpp"

#include <cstdlib>
#include <filesystem>

namespace assay::properties {

namespace files = std::filesystem;

temporary_folder::temporary_folder() {
  std::error_code error;
  const files::path parent = files::temp_directory_path(error);
  path_ = (parent / "assay-XXXXXX").string();  // mkdtemp replaces the last six
  if (error || !mkdtemp(path_.data()))
    throw bad_input("no folder for scratch files can be made: is TMPDIR one that can be written?");
}

temporary_folder::~temporary_folder() {
  std::error_code error;
  files::remove_all(path_, error);
}

}  // namespace assay::properties
