#include "tools/gpt2/vocabulary.hpp"

#include "tools/gpt2/byte_characters.hpp"
#include "tools/gpt2/test/support.hpp"
#include "tools/gpt2/tokenizer.hpp"

#include <gmock/gmock.h>

namespace assay::gpt2 {
namespace {

using test::refusal_of;

// The bytes, then `more` (spelled), in JSON.
std::string tokens_with(const std::vector<std::pair<std::string, std::string>>& more = {}) {
  std::string text = "{";
  int id = 0;
  for (const std::uint8_t byte : bytes_by_character())
    text +=
        fmt::format("{}{}: {}", id == 0 ? "" : ", ", quoted_token(std::string(1, char(byte))), id),
        ++id;
  for (const auto& [spelling, value] : more) text += fmt::format(", \"{}\": {}", spelling, value);
  return text + "}";
}

std::string refusal(const std::string& tokens, const std::string& merges = "#version: 0.2\n") {
  return refusal_of([&] { parse_vocabulary(tokens, "v.json", merges, "m.txt"); });
}

TEST(vocabulary, reads_what_it_prints) {
  const vocabulary known = read_vocabulary(test::k_data);
  EXPECT_EQ(known.tokens.size(), std::size_t(test::k_data_size));
  EXPECT_EQ(known.merges.size(), std::size_t(test::k_data_size) - 257);
  EXPECT_EQ(parse_vocabulary(print_tokens(known), "v", print_merges(known), "m"), known);
  EXPECT_EQ(print_tokens(known), properties::read_file(test::k_data + "/vocab.json", 1 << 20));
  EXPECT_EQ(print_merges(known), properties::read_file(test::k_data + "/merges.txt", 1 << 20));
}

// As GPT-2's own files are written: on one line, in ASCII, in any order; lines that end with \r\n;
// a merge that begins as a comment would.
TEST(vocabulary, reads_what_others_write) {
  const vocabulary known =
      parse_vocabulary(tokens_with({{"##", "257"}, {"\\u0120t", "256"}, {"###", "258"}}), "v",
                       "#version: 0.2\r\nĠ t\r\n# #\r\n## #\r\n\r\n", "m");
  EXPECT_EQ(known.tokens[256], " t");
  EXPECT_EQ(known.merges, (std::vector<merge>{{220, 't' - '!', 256}, {2, 2, 257}, {257, 2, 258}}));
  EXPECT_EQ(parse_vocabulary(tokens_with({{"##", "256"}}), "v", "# #", "m").merges.size(), 1u);
}

TEST(vocabulary, says_what_is_wrong_with_its_tokens) {
  EXPECT_EQ(refusal(""), "v.json: not JSON: byte 1 cannot stand where it stands");
  EXPECT_EQ(refusal("{\"a\": 0,}"), "v.json: not JSON: byte 9 cannot stand where it stands");
  EXPECT_EQ(refusal("{\"a\xFF\": 0}"), "v.json: not JSON: byte 4 cannot stand where it stands");
  EXPECT_EQ(refusal(tokens_with() + "x"),
            fmt::format("v.json: not JSON: byte {} cannot stand where "
                        "it stands",
                        tokens_with().size() + 1));
  for (const char* const other : {"[]", "1", "null", "\"a\"", "true"})
    EXPECT_EQ(refusal(other), "v.json: it must be a JSON object of tokens and their ids");
  for (const auto& [value, name] :
       std::vector<std::pair<std::string, std::string>>{{"-1", "-1"},
                                                        {"1.5", "1.5"},
                                                        {"\"1\"", "a text"},
                                                        {"[1]", "an array"},
                                                        {"{}", "an object"},
                                                        {"null", "null"},
                                                        {"2147483648", "2147483648"}})
    EXPECT_EQ(refusal("{\"a\": " + value + "}"),
              "v.json: the id of token \"a\" is " + name + ", not an integer from 0 to 2^31 - 1");
  EXPECT_EQ(refusal(tokens_with({{"aa", "256"}, {"bb", "256"}})),
            "v.json: tokens \"aa\" and \"bb\" both have id 256");
  EXPECT_EQ(refusal(tokens_with({{"aa", "256"}, {"bb", "258"}})),
            "v.json: no token has id 257; its 258 tokens must have the ids 0 to 257");
  EXPECT_EQ(refusal(tokens_with({{"aa", "256"}, {"aa", "257"}})),
            "v.json: token \"aa\" stands there twice");
  EXPECT_EQ(refusal(tokens_with({{"a b", "256"}})),
            "v.json: token \"a b\" has a character that stands for no byte");
  EXPECT_EQ(refusal(tokens_with({{"", "256"}})), "v.json: token \"\" has no characters");
  EXPECT_EQ(refusal("{}"), "v.json: byte 0x00 has no token; \"\\u0100\" was expected");
  std::string lacking = tokens_with();
  lacking.replace(lacking.find("\"\\u0120\""), 8, "\"ab\"");
  EXPECT_EQ(refusal(lacking), "v.json: byte 0x20 has no token; \"\\u0120\" was expected");
}

TEST(vocabulary, says_which_line_of_the_merges_is_wrong) {
  const std::string tokens = tokens_with({{"ab", "256"}});
  EXPECT_EQ(refusal(tokens, "#version: 0.2\na b\na b\n"),
            "m.txt:3: the merge of \"a\" and \"b\" stands there twice");
  EXPECT_EQ(refusal(tokens, "a xy\n"), "m.txt:1: \"xy\" is no token of v.json");
  EXPECT_EQ(refusal(tokens, "a \xFF\n"), "m.txt:1: \"\\ufffd\" is no token of v.json");
  EXPECT_EQ(refusal(tokens, "b a\n"),
            "m.txt:1: \"b\" and \"a\" merge to \"ba\", which is no token of v.json");
  for (const char* const line : {"ab", "a b c", "a  b", " ab", "ab ", " "})
    EXPECT_EQ(refusal(tokens, line),
              fmt::format("m.txt:1: \"{}\" is not two tokens with a blank between", line));
}

class vocabulary_files : public test::in_folder {};

TEST_F(vocabulary_files, are_read_as_they_were_written) {
  const vocabulary known = read_vocabulary(test::k_data);
  write_vocabulary(folder(), known);
  EXPECT_EQ(read_vocabulary(folder()), known);
}

TEST_F(vocabulary_files, are_named_where_one_is_missing) {
  EXPECT_EQ(refusal_of([&] { read_tokenizer(folder()); }),
            path("vocab.json") + ": cannot be read: No such file or directory");
  write("vocab.json", tokens_with());
  EXPECT_EQ(refusal_of([&] { read_tokenizer(folder()); }),
            path("merges.txt") + ": cannot be read: No such file or directory");
  write("merges.txt", "");
  EXPECT_EQ(read_tokenizer(folder()).size(), 256);
}

// Damaged files are refused with one line that begins with the file's name, or are other files.
TEST(vocabulary, survives_damage) {
  const vocabulary known = read_vocabulary(test::k_data);
  const std::string tokens = print_tokens(known), merges = print_merges(known);
  const std::string alphabet = "{}[]\":,-0123456789abcdef \\\n\xC4\xA0\xff";
  const auto damage = [&](std::string text) {
    for (int i = *rc::gen::inRange(1, 4); i > 0; --i) {
      const auto at = *rc::gen::inRange<std::size_t>(0, text.size());
      const char with = *rc::gen::elementOf(alphabet);
      if (*rc::gen::arbitrary<bool>())
        text[at] = with;
      else
        text.insert(at, 1, with);
    }
    return text;
  };
  EXPECT_TRUE(rc::check("over damaged files", [&] {
    const bool in_tokens = *rc::gen::arbitrary<bool>();
    try {
      const vocabulary read = parse_vocabulary(in_tokens ? damage(tokens) : tokens, "v.json",
                                               in_tokens ? merges : damage(merges), "m.txt");
      for (const merge& m : read.merges)
        RC_ASSERT(read.tokens.at(std::size_t(m.left)) + read.tokens.at(std::size_t(m.right)) ==
                  read.tokens.at(std::size_t(m.whole)));
    } catch (const bad_input& wrong) {
      const std::string line = wrong.what();
      RC_ASSERT(line.starts_with("v.json:") || line.starts_with("m.txt:"));
      RC_ASSERT(line.find('\n') == line.npos);
    }
  }));
}

}  // namespace
}  // namespace assay::gpt2
