// Files that are whole or absent: written beside their place, flushed to disk, then renamed into
// it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace assay::properties {

// Replaces `path`; a device or a pipe there is written to. Throws bad_input (a full disk, no
// permission, no such folder) and leaves what was there before.
void write_file(const std::string& path, std::span<const std::byte> contents);
void write_file(const std::string& path, std::string_view contents);

// The contents of `path`. Throws bad_input where it cannot be read or holds more than `most` bytes.
std::string read_file(const std::string& path, std::size_t most);

// The contents of `path` without a copy: a file whose first bytes are wrong costs nothing more,
// however large it claims to be. Throws as read_file does.
class mapped_file {
 public:
  mapped_file(const std::string& path, std::size_t most);
  mapped_file(const mapped_file&) = delete;
  mapped_file& operator=(const mapped_file&) = delete;
  ~mapped_file();
  std::string_view contents() const { return contents_; }

 private:
  std::string_view contents_;
};

}  // namespace assay::properties
