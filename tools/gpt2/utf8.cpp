#include "tools/gpt2/utf8.hpp"

#include <cstdint>

namespace assay::gpt2 {

std::optional<code_point> first_code_point(std::string_view text) {
  if (text.empty()) return std::nullopt;
  const auto lead = std::uint8_t(text.front());
  if (lead < 0x80) return code_point{lead, 1};
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC0 || lead > 0xF7 || text.size() < length) return std::nullopt;
  char32_t value = lead & (0x7F >> length);
  for (std::size_t i = 1; i < length; ++i) {
    const auto byte = std::uint8_t(text[i]);
    if ((byte & 0xC0) != 0x80) return std::nullopt;
    value = value << 6 | (byte & 0x3F);
  }
  const bool overlong = value < (length == 4 ? 0x10000u : length == 3 ? 0x800u : 0x80u);
  const bool surrogate = value >= 0xD800 && value < 0xE000;
  if (overlong || surrogate || value > 0x10FFFF) return std::nullopt;
  return code_point{value, length};
}

std::size_t well_formed_prefix(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    if (std::uint8_t(text[at]) < 0x80) {
      ++at;
      continue;
    }
    const auto next = first_code_point(text.substr(at));
    if (!next) break;
    at += next->length;
  }
  return at;
}

void append_utf8(std::string& text, char32_t value) {
  const auto trailing = [value](int shift) { return char(0x80 | (value >> shift & 0x3F)); };
  if (value < 0x80) {
    text += char(value);
  } else if (value < 0x800) {
    text += {char(0xC0 | value >> 6), trailing(0)};
  } else if (value < 0x10000) {
    text += {char(0xE0 | value >> 12), trailing(6), trailing(0)};
  } else {
    text += {char(0xF0 | value >> 18), trailing(12), trailing(6), trailing(0)};
  }
}

}  // namespace assay::gpt2
