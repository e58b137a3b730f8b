// What the tokenizer says, for an oracle to check (tools/oracle/bpe.py):
//
//   encode FOLDER            reads lines of bytes in hexadecimal, answers each with a line of the
//   ids, a slash,
//                            and the lengths in bytes of the pieces
//   classes                  a character for each code point that is no surrogate, in order: l (in
//   words),
//                            n (in numbers), s (white space), o (other), u (other, and not assigned
//                            in the Unicode of this PCRE2)
//   train FILE SIZE FOLDER   trains a vocabulary from the text in FILE and writes it to FOLDER

#include "properties/atomic_file.hpp"
#include "properties/bad_input.hpp"
#include "tools/gpt2/tokenizer.hpp"
#include "tools/gpt2/train_vocabulary.hpp"
#include "tools/gpt2/utf8.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <fmt/format.h>
#include <pcre2.h>

#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace assay::gpt2;

std::string from_hexadecimal(std::string_view digits) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2)
    bytes += char(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  return bytes;
}

void encode_lines(const std::string& folder) {
  tokenizer tokens = read_tokenizer(folder);
  pre_tokenizer pieces;
  for (std::string line; std::getline(std::cin, line);) {
    const std::string text = from_hexadecimal(line);
    std::vector<std::size_t> lengths;
    for (const std::string_view piece : pieces.split(text)) lengths.push_back(piece.size());
    std::cout << fmt::format("{} / {}\n", fmt::join(tokens.encode(text), " "),
                             fmt::join(lengths, " "));
  }
}

bool is_unassigned(const std::string& character) {
  static pcre2_code* const code = [] {
    int error = 0;
    PCRE2_SIZE where = 0;
    return pcre2_compile(reinterpret_cast<PCRE2_SPTR>("\\p{Cn}"), PCRE2_ZERO_TERMINATED, PCRE2_UTF,
                         &error, &where, nullptr);
  }();
  static pcre2_match_data* const data = pcre2_match_data_create(1, nullptr);
  return pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(character.data()), character.size(), 0, 0,
                     data, nullptr) >= 0;
}

// By what the character goes together with.
char class_of(pre_tokenizer& pieces, const std::string& character) {
  const auto joins = [&](const char* other) { return pieces.split(other + character).size() == 1; };
  if (joins("a")) return 'l';
  if (joins("1")) return 'n';
  if (joins("\t")) return 's';
  return is_unassigned(character) ? 'u' : 'o';
}

void print_classes() {
  pre_tokenizer pieces;
  std::string classes;
  for (char32_t value = 0; value <= 0x10FFFF; ++value) {
    if (value >= 0xD800 && value < 0xE000) continue;
    std::string character;
    append_utf8(character, value);
    classes += class_of(pieces, character);
  }
  std::cout << classes << '\n';
}

void train(const std::string& text, const std::string& size, const std::string& folder) {
  const assay::properties::mapped_file file(text, std::size_t(1) << 30);
  write_vocabulary(folder, train_vocabulary(file.contents(), {.size = std::stoll(size)}));
}

}  // namespace

int main(int argc, char** argv) try {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 2 && words[0] == "encode") return encode_lines(words[1]), 0;
  if (words.size() == 1 && words[0] == "classes") return print_classes(), 0;
  if (words.size() == 4 && words[0] == "train") return train(words[1], words[2], words[3]), 0;
  std::cerr << "usage: gpt2_print_tokens encode FOLDER | classes | train FILE SIZE FOLDER\n";
  return 2;
} catch (const assay::bad_input& wrong) {
  std::cerr << wrong.what() << '\n';
  return 2;
}
