#include "tools/gpt2/tokenizer.hpp"

#include "tools/gpt2/byte_characters.hpp"
#include "tools/gpt2/test/support.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>

namespace assay::gpt2 {
namespace {

using test::refusal_of;
using testing::ElementsAre;
using ids = std::vector<std::int32_t>;

tokenizer& shipped() {
  static tokenizer tokens = read_tokenizer(test::k_data);
  return tokens;
}

// The definition, word for word: look at all pairs, merge the best one everywhere, begin again.
ids encoded_naively(const vocabulary& known, std::string_view piece) {
  ids tokens;
  for (const char byte : piece)
    tokens.push_back(
        std::int32_t(std::find(known.tokens.begin(), known.tokens.end(), std::string(1, byte)) -
                     known.tokens.begin()));
  const auto stands = [&](const merge& m, std::size_t i) {
    return i + 1 < tokens.size() && tokens[i] == m.left && tokens[i + 1] == m.right;
  };
  for (std::size_t rank = 0; rank < known.merges.size();) {
    const merge& m = known.merges[rank];
    ids merged;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const bool here = stands(m, i);
      merged.push_back(here ? m.whole : tokens[i]);
      if (here) ++i;
    }
    rank = merged.size() < tokens.size() ? 0 : rank + 1;
    tokens = merged;
  }
  return tokens;
}

vocabulary bytes_only() {
  vocabulary known;
  for (const std::uint8_t byte : bytes_by_character())
    known.tokens.push_back(std::string(1, char(byte)));
  return known;
}

// Merges of random pairs of what there is, over two letters, so that pairs overlap, rank before
// what they are made of, and meet in the same token.
vocabulary some_vocabulary() {
  vocabulary known = bytes_only();
  std::map<std::string, std::int32_t> id_of = {{"a", 'a' - '!'}, {"b", 'b' - '!'}};
  for (int i = *rc::gen::inRange(1, 25); i > 0; --i) {
    const auto [left, right] = *rc::gen::pair(rc::gen::elementOf(id_of), rc::gen::elementOf(id_of));
    const auto [whole, is_new] =
        id_of.try_emplace(left.first + right.first, std::int32_t(known.tokens.size()));
    if (is_new) known.tokens.push_back(whole->first);
    const merge m = {left.second, right.second, whole->second};
    if (std::find(known.merges.begin(), known.merges.end(), m) == known.merges.end())
      known.merges.push_back(m);
  }
  std::vector<merge> shuffled;
  while (!known.merges.empty()) {
    const auto at = *rc::gen::inRange<std::size_t>(0, known.merges.size());
    shuffled.push_back(known.merges[at]);
    known.merges.erase(known.merges.begin() + std::ptrdiff_t(at));
  }
  known.merges = shuffled;
  return known;
}

TEST(byte_pair_encoding, is_the_naive_one_whatever_the_merges) {
  EXPECT_TRUE(rc::check("over made-up vocabularies", [] {
    const vocabulary known = some_vocabulary();
    const byte_pair_encoding encoding(known);
    for (int i = 0; i < 20; ++i) {
      const auto piece = *rc::gen::container<std::string>(rc::gen::element('a', 'b'));
      ids tokens;
      encoding.append(piece, tokens);
      RC_ASSERT(tokens == encoded_naively(known, piece));
    }
  }));
}

// ab and c, a and bc both give abc; (abc, a) ranks before either. Both abc are made before it is
// looked at what stands beside them.
TEST(byte_pair_encoding, merges_a_pair_everywhere_before_it_looks_at_new_neighbours) {
  vocabulary known = bytes_only();
  const auto add = [&](std::int32_t left, std::int32_t right, const std::string& whole) {
    auto found = std::find(known.tokens.begin(), known.tokens.end(), whole);
    if (found == known.tokens.end()) found = known.tokens.insert(found, whole);
    known.merges.push_back({left, right, std::int32_t(found - known.tokens.begin())});
    return known.merges.back().whole;
  };
  const std::int32_t a = 'a' - '!', b = 'b' - '!', c = 'c' - '!';
  const std::int32_t ab = add(a, b, "ab"), bc = add(b, c, "bc");
  const std::int32_t abc = add(a, bc, "abc");
  add(abc, ab, "abcab");
  add(ab, c, "abc");
  ids tokens;
  byte_pair_encoding(known).append("abcabc", tokens);
  EXPECT_THAT(tokens, ElementsAre(abc, abc));
}

TEST(tokenizer, gives_back_any_bytes) {
  EXPECT_TRUE(rc::check("over any bytes", [] {
    for (int i = 0; i < 10; ++i) {
      const std::string text = *rc::gen::oneOf(test::texts(), test::byte_strings());
      RC_ASSERT(shipped().decode(shipped().encode(text)) == text);
      RC_ASSERT(shipped().decode(shipped().encode(text, special_tokens::recognized)) == text);
    }
  }));
}

TEST(tokenizer, encodes_each_piece_by_itself_and_as_the_naive_one_does) {
  pre_tokenizer pre;
  EXPECT_TRUE(rc::check("over texts", [&] {
    const std::string text = *test::texts();
    ids piece_by_piece;
    for (const std::string_view piece : pre.split(text))
      for (const std::int32_t id : encoded_naively(shipped().known(), piece))
        piece_by_piece.push_back(id);
    RC_ASSERT(shipped().encode(text) == piece_by_piece);
  }));
}

// Wherever a piece ends, the text may be cut: what stands before is encoded as if it were alone,
// and so is what stands behind. No token reaches over a border.
TEST(tokenizer, may_be_cut_at_the_borders_of_pieces) {
  pre_tokenizer pre;
  EXPECT_TRUE(rc::check("over texts", [&] {
    const std::string text = *test::texts();
    const ids whole = shipped().encode(text);
    std::size_t at = 0;
    for (const std::string_view piece : pre.split(text)) {
      at += piece.size();
      ids parts = shipped().encode(text.substr(0, at));
      for (const std::int32_t id : shipped().encode(text.substr(at))) parts.push_back(id);
      RC_ASSERT(parts == whole);
    }
  }));
}

TEST(tokenizer, says_the_same_whatever_it_met_before) {
  tokenizer used = read_tokenizer(test::k_data);
  for (int i = 0; i < 40'000; ++i) used.encode("x" + std::to_string(i) + "y " + std::to_string(i));
  const std::string text = properties::read_file(test::k_data + "/text.txt", 1 << 20);
  EXPECT_EQ(used.encode(text), read_tokenizer(test::k_data).encode(text));
  EXPECT_EQ(used.encode(text), used.encode(text));
}

TEST(tokenizer, takes_the_end_of_a_text_for_one_token_only_where_asked) {
  const std::int32_t end = shipped().end_of_text().value();
  EXPECT_EQ(end, test::k_data_size - 1);
  const std::string text = "one<|endoftext|>two<|endoftext|>";
  const ids plain = shipped().encode(text);
  EXPECT_EQ(std::count(plain.begin(), plain.end(), end), 0);
  ids parts = shipped().encode("one");
  parts.push_back(end);
  for (const std::int32_t id : shipped().encode("two")) parts.push_back(id);
  parts.push_back(end);
  EXPECT_EQ(shipped().encode(text, special_tokens::recognized), parts);
  EXPECT_EQ(shipped().decode(parts), text);
  tokenizer without(bytes_only());
  EXPECT_EQ(without.end_of_text(), std::nullopt);
  EXPECT_EQ(refusal_of([&] { without.encode("x", special_tokens::recognized); }),
            "the vocabulary has no token <|endoftext|>, which was to be recognized");
}

TEST(tokenizer, names_an_id_that_it_does_not_have) {
  EXPECT_EQ(refusal_of([] {
              shipped().decode(ids{1, 500});
            }),
            "id 500 at place 1 is no token; the ids are 0 to 499");
  EXPECT_EQ(refusal_of([] { shipped().decode(ids{-1}); }),
            "id -1 at place 0 is no token; the ids are 0 to 499");
}

// In far less than the time limit of a test, which a quadratic merge would need days for.
TEST(tokenizer, encodes_a_word_of_megabytes) {
  std::string text;
  while (text.size() < std::size_t(1) << 21) text += "thatdedicatedlivingnumbers";
  const ids tokens = shipped().encode(text);
  EXPECT_LT(tokens.size(), text.size() / 2);
  EXPECT_EQ(shipped().decode(tokens), text);
}

}  // namespace
}  // namespace assay::gpt2
