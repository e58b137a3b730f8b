#include "tools/gpt2/token_source.hpp"

#include "properties/safetensors.hpp"
#include "tools/gpt2/test/support.hpp"

#include <gmock/gmock.h>

#include <cstring>

namespace assay::gpt2 {
namespace {

using test::refusal_of;
using testing::ElementsAre;

class token_files : public test::in_folder {
 protected:
  static std::vector<std::int32_t> all_of(const token_source& source) {
    std::vector<std::int32_t> ids(std::size_t(source.size()));
    source.copy(0, ids);
    return ids;
  }
  std::vector<std::int32_t> read(const std::string& name, std::int64_t vocabulary_size) const {
    return all_of(read_tokens(path(name), format_of(name), vocabulary_size));
  }
  std::string refusal(const std::string& name, std::int64_t vocabulary_size) const {
    const std::string line = refusal_of([&] { read(name, vocabulary_size); });
    EXPECT_TRUE(line.starts_with(path(name) + ": ")) << line;
    return line.substr(std::min(line.size(), path(name).size() + 2));
  }
  void write_tensor(const std::string& name, const std::string& tensor, dtype type,
                    const std::vector<std::int64_t>& shape,
                    const std::vector<std::int32_t>& ids) const {
    std::vector<std::byte> bytes(ids.size() * 4);
    std::memcpy(bytes.data(), ids.data(), bytes.size());
    properties::write_safetensors(path(name), {{{tensor, type, shape, bytes}}, {}});
  }
};

using namespace std::string_view_literals;

TEST_F(token_files, are_known_by_their_names) {
  EXPECT_EQ(format_of("a.uint16"), token_format::uint16);
  EXPECT_EQ(format_of("train.bin"), token_format::uint16);
  EXPECT_EQ(format_of("a.int32"), token_format::int32);
  EXPECT_EQ(format_of("a.safetensors"), token_format::safetensors);
  EXPECT_EQ(format_of("a.txt"), token_format::text);
  EXPECT_EQ(format_of("int32"), token_format::text);
}

TEST_F(token_files, hold_the_same_tokens_in_every_format) {
  write("a.uint16", "\x01\x00\x02\x01\xFF\xFF"sv);
  write("a.int32", "\x01\x00\x00\x00\x02\x01\x00\x00\xFF\xFF\x00\x00"sv);
  write_tensor("a.safetensors", "tokens", dtype::int32, {3}, {1, 258, 65535});
  for (const char* const name : {"a.uint16", "a.int32", "a.safetensors"})
    EXPECT_THAT(read(name, 65536), ElementsAre(1, 258, 65535)) << name;
}

TEST_F(token_files, can_be_read_at_any_place) {
  write("a.uint16", "\x01\x00\x02\x01\xFF\x00\x07\x00"sv);
  const token_source source = read_tokens(path("a.uint16"), token_format::uint16, 300);
  const token_source shared = source;
  std::vector<std::int32_t> two(2);
  shared.copy(1, two);
  EXPECT_THAT(two, ElementsAre(258, 255));
  token_source({4, 5, 6}).copy(1, two);
  EXPECT_THAT(two, ElementsAre(5, 6));
}

TEST_F(token_files, are_refused_where_a_token_is_outside_the_vocabulary) {
  write("a.uint16", "\x01\x00\x02\x01"sv);
  EXPECT_EQ(refusal("a.uint16", 258), "token 258 at place 1 is outside the vocabulary, 0 to 257");
  write("a.int32", std::string(4 * 20'000, '\0') + "\xFF\xFF\xFF\xFF");
  EXPECT_EQ(refusal("a.int32", 258), "token -1 at place 20000 is outside the vocabulary, 0 to 257");
}

TEST_F(token_files, are_refused_where_they_are_none) {
  write("a.uint16", "abc");
  EXPECT_EQ(refusal("a.uint16", 9), "its 3 bytes are no whole number of tokens of 2 bytes");
  write("a.int32", "abcde");
  EXPECT_EQ(refusal("a.int32", 9), "its 5 bytes are no whole number of tokens of 4 bytes");
  write("a.txt", "abc");
  EXPECT_EQ(refusal("a.txt", 9), "it is a text; a file of tokens was expected");
  EXPECT_EQ(refusal("none.bin", 9), "cannot be read: No such file or directory");
  write_tensor("a.safetensors", "token", dtype::int32, {1}, {1});
  EXPECT_EQ(refusal("a.safetensors", 9), "there is no tensor 'tokens'");
  write_tensor("a.safetensors", "tokens", dtype::fp32, {1}, {1});
  EXPECT_EQ(refusal("a.safetensors", 9),
            "the tensor 'tokens' must be int32 and have one dimension");
  write_tensor("a.safetensors", "tokens", dtype::int32, {1, 2}, {1, 2});
  EXPECT_EQ(refusal("a.safetensors", 9),
            "the tensor 'tokens' must be int32 and have one dimension");
}

TEST_F(token_files, may_be_empty) {
  write("a.uint16", "");
  EXPECT_EQ(read("a.uint16", 9).size(), 0u);
}

TEST_F(token_files, of_text_are_encoded) {
  tokenizer tokens = read_tokenizer(test::k_data);
  const std::string text = "The numbers.<|endoftext|>\xFF";
  write("a.txt", text);
  EXPECT_EQ(all_of(read_text(path("a.txt"), tokens)),
            tokens.encode(text, special_tokens::recognized));
  EXPECT_EQ(all_of(read_text(path("a.txt"), tokens, special_tokens::as_text)), tokens.encode(text));
  EXPECT_EQ(refusal_of([&] { read_text(path("b.txt"), tokens); }),
            path("b.txt") + ": cannot be read: No such file or directory");
}

}  // namespace
}  // namespace assay::gpt2
