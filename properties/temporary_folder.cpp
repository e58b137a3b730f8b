#include "properties/temporary_folder.hpp"

#include "properties/bad_input.hpp"

#include <cstdlib>
#include <filesystem>

namespace assay::properties {

namespace files = std::filesystem;

temporary_folder::temporary_folder()
    : path_((files::temp_directory_path() / "assay-XXXXXX").string()) {
  if (!mkdtemp(path_.data()))
    throw bad_input("no folder for scratch files can be made beside '" + path_ + "'");
}

temporary_folder::~temporary_folder() {
  std::error_code error;
  files::remove_all(path_, error);
}

}  // namespace assay::properties
