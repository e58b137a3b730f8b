#include "tools/gpt2/pre_tokenizer.hpp"

#include "tools/gpt2/byte_characters.hpp"
#include "tools/gpt2/test/support.hpp"
#include "tools/gpt2/utf8.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace assay::gpt2 {
namespace {

using testing::ElementsAre;

bool is_scalar(char32_t value) { return value <= 0x10FFFF && !(value >= 0xD800 && value < 0xE000); }

TEST(utf8, reads_every_code_point_that_it_writes) {
  for (char32_t value = 0; value <= 0x10FFFF; ++value) {
    if (!is_scalar(value)) continue;
    std::string text;
    append_utf8(text, value);
    const auto read = first_code_point(text + "x");
    ASSERT_TRUE(read && read->value == value && read->length == text.size()) << unsigned(value);
    ASSERT_EQ(well_formed_prefix(text + text), 2 * text.size());
    ASSERT_FALSE(first_code_point(text.substr(0, text.size() - 1))) << unsigned(value);
  }
}

// With the test before: exactly the well-formed is accepted.
TEST(utf8, accepts_nothing_that_it_would_write_otherwise) {
  const std::string last = "\x7F\x80\xBF\xC0";
  for (int lead = 0x80; lead < 0x100; ++lead)
    for (int second = 0; second < 0x100; ++second)
      for (const char third : last)
        for (const char fourth : last) {
          const std::string text = {char(lead), char(second), third, fourth};
          const auto read = first_code_point(text);
          if (!read) continue;
          std::string again;
          append_utf8(again, read->value);
          ASSERT_TRUE(is_scalar(read->value) && text.starts_with(again));
        }
}

// A few of the published table, and that it has an inverse.
TEST(byte_characters, spell_every_byte_in_one_printable_character) {
  EXPECT_EQ(spelled(" the\n"), "ĠtheĊ");
  EXPECT_EQ(spelled(std::string("\0\x7F\x80\xA0\xAD\xFF!", 7)), "ĀġĢłŃÿ!");
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all += char(byte);
  EXPECT_EQ(bytes_of(spelled(all)), all);
  EXPECT_EQ(bytes_of("a b"), std::nullopt);
  EXPECT_EQ(bytes_of("ń"), std::nullopt);  // U+0144, the first beyond the table
  EXPECT_EQ(bytes_of("a\xFF"), std::nullopt);
}

TEST(byte_characters, ascend_in_the_order_of_the_ids) {
  const auto& bytes = bytes_by_character();
  EXPECT_EQ(bytes.front(), '!');
  EXPECT_EQ(bytes[188], 0);
  EXPECT_EQ(bytes[220], ' ');
  EXPECT_EQ(bytes.back(), 0xAD);
  for (std::size_t i = 1; i < bytes.size(); ++i)
    EXPECT_LT(spelled({reinterpret_cast<const char*>(&bytes[i - 1]), 1}),
              spelled({reinterpret_cast<const char*>(&bytes[i]), 1}));
}

std::vector<std::string> pieces(std::string_view text) {
  std::vector<std::string> found;
  pre_tokenizer().split(text, [&](std::string_view piece) { found.emplace_back(piece); });
  return found;
}

TEST(pre_tokenizer, cuts_words_numbers_and_punctuation) {
  EXPECT_THAT(pieces("Hello world, it's 2048."),
              ElementsAre("Hello", " world", ",", " it", "'s", " 2048", "."));
  EXPECT_THAT(pieces("we'll they've I'm you're he'd don't"),
              ElementsAre("we", "'ll", " they", "'ve", " I", "'m", " you", "'re", " he", "'d",
                          " don", "'t"));
  EXPECT_THAT(pieces("IT'S 'll'"), ElementsAre("IT", "'", "S", " '", "ll", "'"));
  EXPECT_THAT(pieces("x=y[3]; größe 核心 ½Ⅷ a\u0301"),
              ElementsAre("x", "=", "y", "[", "3", "];", " größe", " 核心", " ½Ⅷ", " a", "\u0301"));
  EXPECT_THAT(pieces(""), ElementsAre());
}

TEST(pre_tokenizer, leaves_the_last_blank_to_the_word_behind_it) {
  EXPECT_THAT(pieces("a   b"), ElementsAre("a", "  ", " b"));
  EXPECT_THAT(pieces("a\n\n b\n"), ElementsAre("a", "\n\n", " b", "\n"));
  EXPECT_THAT(pieces("a\n\nb"), ElementsAre("a", "\n", "\n", "b"));
  EXPECT_THAT(pieces("a   "), ElementsAre("a", "   "));
}

// U+0085 and U+3000 are White_Space, U+180E and U+200B are not, U+001C to U+001F neither.
TEST(pre_tokenizer, takes_white_space_from_unicode) {
  EXPECT_THAT(pieces("\u0085\u3000\u00A0"), ElementsAre("\u0085\u3000\u00A0"));
  EXPECT_THAT(pieces("\t\u180E"), ElementsAre("\t", "\u180E"));
  EXPECT_THAT(pieces(".\u180E\u200B\x1C"), ElementsAre(".\u180E\u200B\x1C"));
}

TEST(pre_tokenizer, makes_a_piece_of_each_byte_that_is_in_no_character) {
  EXPECT_THAT(pieces("ab\xFF\xFE cd"), ElementsAre("ab", "\xFF", "\xFE", " cd"));
  EXPECT_THAT(pieces("\xE6\xA0"), ElementsAre("\xE6", "\xA0"));
  EXPECT_THAT(pieces("a  \x80 b"), ElementsAre("a", "  ", "\x80", " b"));
  EXPECT_THAT(pieces("\xED\xA0\x80"), ElementsAre("\xED", "\xA0", "\x80"));
}

TEST(pre_tokenizer, loses_and_adds_nothing) {
  pre_tokenizer pre;
  EXPECT_TRUE(rc::check("over any bytes", [&] {
    const std::string text = *rc::gen::oneOf(test::texts(), test::byte_strings());
    std::string again;
    for (const std::string_view piece : pre.split(text)) {
      RC_ASSERT(!piece.empty());
      again += piece;
    }
    RC_ASSERT(again == text);
  }));
}

// Neither PCRE2's stack nor its limits on backtracking stand in the way of a long piece.
TEST(pre_tokenizer, takes_pieces_of_megabytes) {
  const std::size_t n = std::size_t(1) << 22;
  EXPECT_THAT(pieces(std::string(n, 'x')), ElementsAre(std::string(n, 'x')));
  EXPECT_THAT(pieces(std::string(n, ' ') + "x"), ElementsAre(std::string(n - 1, ' '), " x"));
  EXPECT_EQ(pieces(std::string(n, '\x80')).size(), n);
}

}  // namespace
}  // namespace assay::gpt2
