// UTF-8, one code point at a time (RFC 3629, section 4): what is overlong, a surrogate, beyond
// U+10FFFF or cut short is ill-formed.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace assay::gpt2 {

struct code_point {
  char32_t value;
  std::size_t length;  // bytes, 1 to 4
};

// The first code point of `text`, or nothing where text is empty or begins with ill-formed bytes.
std::optional<code_point> first_code_point(std::string_view text);

// Bytes of the longest prefix of `text` that is well-formed.
std::size_t well_formed_prefix(std::string_view text);

// Appends `value`, which must be a Unicode scalar value.
void append_utf8(std::string& text, char32_t value);

}  // namespace assay::gpt2
