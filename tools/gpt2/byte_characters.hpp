// How GPT-2's vocabulary files spell bytes: one printable character a byte, so that a token of any
// bytes is a JSON text without blanks.
//
// The 188 bytes ! to ~, U+00A1 to U+00AC and U+00AE to U+00FF stand for themselves as code points;
// the other 68, in ascending order, are U+0100, U+0101, ..., U+0143. A blank is U+0120.
// Source: Radford et al., "Language Models are Unsupervised Multitask Learners", 2019, section 2.2,
// and the files published with it.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace assay::gpt2 {

// The bytes in ascending order of their characters: the order of the first 256 ids of GPT-2.
const std::array<std::uint8_t, 256>& bytes_by_character();

// `bytes`, spelled; in UTF-8.
std::string spelled(std::string_view bytes);

// The bytes that `spelling` stands for, or nothing where one of its characters stands for none.
std::optional<std::string> bytes_of(std::string_view spelling);

}  // namespace assay::gpt2
