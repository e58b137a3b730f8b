// Files that are whole or absent: written beside their place, flushed to disk, then renamed into
// it.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace assay::properties {

// Replaces `path`. Throws bad_input (a full disk, no permission, no such folder) and leaves what
// was there before.
void write_file(const std::string& path, std::span<const std::byte> contents);
void write_file(const std::string& path, std::string_view contents);

// The contents of `path`. Throws bad_input where it cannot be read or holds more than `most` bytes.
std::string read_file(const std::string& path, std::size_t most);

}  // namespace assay::properties
