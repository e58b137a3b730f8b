#include "tools/gpt2/train_vocabulary.hpp"

#include "tools/gpt2/pre_tokenizer.hpp"
#include "tools/gpt2/test/support.hpp"
#include "tools/gpt2/tokenizer.hpp"

#include <algorithm>
#include <map>

namespace assay::gpt2 {
namespace {

using test::refusal_of;

std::string text() { return properties::read_file(test::k_data + "/text.txt", 1 << 20); }

// tools/gpt2/test/data is what training gives; `gpt2_print_tokens train` writes it anew.
TEST(train_vocabulary, gives_the_shipped_files_again) {
  const vocabulary trained = train_vocabulary(text(), {.size = test::k_data_size});
  EXPECT_EQ(print_tokens(trained), properties::read_file(test::k_data + "/vocab.json", 1 << 20));
  EXPECT_EQ(print_merges(trained), properties::read_file(test::k_data + "/merges.txt", 1 << 20));
}

// Counts everything anew before each merge.
std::vector<merge> trained_naively(std::string_view text, const vocabulary& bytes,
                                   std::size_t merges, std::int64_t least_count) {
  std::map<std::string, std::int32_t> id_of;
  for (std::size_t id = 0; id < 256; ++id) id_of[bytes.tokens[id]] = std::int32_t(id);
  std::vector<std::vector<std::int32_t>> pieces;
  for (const std::string_view piece : pre_tokenizer().split(text)) {
    pieces.emplace_back();
    for (const char byte : piece) pieces.back().push_back(id_of.at(std::string(1, byte)));
  }
  std::vector<std::string> tokens(bytes.tokens.begin(), bytes.tokens.begin() + 256);
  std::vector<merge> made;
  while (made.size() < merges) {
    std::map<std::pair<std::int32_t, std::int32_t>, std::int64_t> counts;
    for (const auto& piece : pieces)
      for (std::size_t i = 1; i < piece.size(); ++i) ++counts[{piece[i - 1], piece[i]}];
    auto best = counts.begin();  // the first of the most frequent, in the order of ids
    for (auto it = counts.begin(); it != counts.end(); ++it)
      if (it->second > best->second) best = it;
    if (best == counts.end() || best->second < least_count) break;
    const auto [left, right] = best->first;
    const std::string whole = tokens[std::size_t(left)] + tokens[std::size_t(right)];
    const auto [found, is_new] = id_of.try_emplace(whole, std::int32_t(tokens.size()));
    if (is_new) tokens.push_back(whole);
    made.push_back({left, right, found->second});
    for (auto& piece : pieces)
      for (std::size_t i = 0; i + 1 < piece.size(); ++i)
        if (piece[i] == left && piece[i + 1] == right)
          piece[i] = found->second, piece.erase(piece.begin() + std::ptrdiff_t(i) + 1);
  }
  return made;
}

TEST(train_vocabulary, counts_as_the_naive_one_does) {
  const vocabulary bytes = train_vocabulary("", {.size = 257});
  EXPECT_TRUE(rc::check("over texts", [&] {
    std::string some;
    const auto word = rc::gen::container<std::string>(rc::gen::elementOf(std::string("aab")));
    for (int i = *rc::gen::inRange(0, 30); i > 0; --i) some += *word + " ";
    const auto least_count = *rc::gen::inRange<std::int64_t>(1, 4);
    const auto all = trained_naively(some, bytes, 100, least_count);
    std::size_t tokens = 257;
    for (const merge& m : all) tokens = std::max(tokens, std::size_t(m.whole) + 2);
    const vocabulary trained =
        train_vocabulary(some, {.size = std::int64_t(tokens), .least_count = least_count});
    RC_ASSERT(trained.merges.size() <= all.size());
    RC_ASSERT(std::equal(trained.merges.begin(), trained.merges.end(), all.begin()));
    RC_ASSERT(trained.tokens.size() == tokens);
    RC_ASSERT(trained.tokens.back() == k_end_of_text);
  }));
}

TEST(train_vocabulary, encodes_its_own_text_in_fewer_tokens) {
  tokenizer small(train_vocabulary(text(), {.size = 300}));
  tokenizer large(train_vocabulary(text(), {.size = test::k_data_size}));
  EXPECT_LT(small.encode(text()).size(), text().size());
  EXPECT_LT(large.encode(text()).size(), small.encode(text()).size());
}

TEST(train_vocabulary, refuses_what_cannot_be) {
  EXPECT_EQ(refusal_of([] { train_vocabulary("", {.size = 256}); }),
            "a vocabulary of 256 tokens: it must have at least 257, for 256 bytes and "
            "<|endoftext|>");
  EXPECT_EQ(refusal_of([] { train_vocabulary("ab ab abc", {.size = 300}); }),
            "the text gives a vocabulary of 259 tokens, 300 were asked for: no other pair stands "
            "there 2 times");
  EXPECT_EQ(refusal_of([] { train_vocabulary("", {.size = 257, .least_count = 0}); }),
            "a pair that stands in a text 0 times: at least once was expected");
}

}  // namespace
}  // namespace assay::gpt2
