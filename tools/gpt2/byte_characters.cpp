#include "tools/gpt2/byte_characters.hpp"

#include "tools/gpt2/utf8.hpp"

#include <algorithm>

namespace assay::gpt2 {
namespace {

constexpr char32_t k_first_stand_in = 0x100;
constexpr std::size_t k_characters = k_first_stand_in + 68;

struct table {
  std::array<char32_t, 256> character{};
  std::array<std::int16_t, k_characters> byte{};  // -1: no byte's character
  std::array<std::uint8_t, 256> in_order{};
};

constexpr bool is_printable(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
}

constexpr table make_table() {
  table made;
  made.byte.fill(-1);
  char32_t stand_in = k_first_stand_in;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const char32_t character = is_printable(byte) ? char32_t(byte) : stand_in++;
    made.character[byte] = character;
    made.byte[character] = std::int16_t(byte);
  }
  std::size_t place = 0;
  for (const std::int16_t byte : made.byte)
    if (byte >= 0) made.in_order[place++] = std::uint8_t(byte);
  return made;
}

constexpr table k_table = make_table();

}  // namespace

const std::array<std::uint8_t, 256>& bytes_by_character() { return k_table.in_order; }

std::string spelled(std::string_view bytes) {
  std::string spelling;
  for (const char byte : bytes) append_utf8(spelling, k_table.character[std::uint8_t(byte)]);
  return spelling;
}

std::optional<std::string> bytes_of(std::string_view spelling) {
  std::string bytes;
  while (!spelling.empty()) {
    const auto next = first_code_point(spelling);
    if (!next || next->value >= k_characters || k_table.byte[next->value] < 0) return std::nullopt;
    bytes += char(k_table.byte[next->value]);
    spelling.remove_prefix(next->length);
  }
  return bytes;
}

}  // namespace assay::gpt2
