// The file format, round and round, and damaged in every byte. (Hostile headers one by one:
// tools/assay/test/run_file_test.cpp.)

#include "properties/safetensors.hpp"

#include "properties/bad_input.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>

namespace assay::properties {
namespace {

stored_tensor some_tensor(const std::string& name) {
  stored_tensor t;
  t.name = name;
  t.type = *rc::gen::elementOf(std::vector(std::begin(k_dtypes), std::end(k_dtypes)));
  t.shape = *rc::gen::resize(
      4, rc::gen::container<std::vector<std::int64_t>>(rc::gen::inRange<std::int64_t>(0, 5)));
  std::size_t bytes = size_of(t.type);
  for (std::int64_t extent : t.shape) bytes *= std::size_t(extent);
  for (std::size_t i = 0; i < bytes; ++i)
    t.bytes.push_back(std::byte(*rc::gen::arbitrary<unsigned char>()));
  return t;
}

// Names that JSON must escape, too.
std::string some_name() {
  return *rc::gen::container<std::string>(rc::gen::elementOf(std::string("ab.\"\\/\n\t {}[]:,")));
}

tensor_file some_file() {
  tensor_file file;
  for (int i = *rc::gen::inRange(0, 4); i > 0; --i)
    file.tensors.push_back(some_tensor(some_name() + std::to_string(i)));
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) file.metadata[some_name()] = some_name();
  return file;
}

void expect_equal(const tensor_file& a, const tensor_file& b) {
  RC_ASSERT(a.metadata == b.metadata);
  RC_ASSERT(a.tensors.size() == b.tensors.size());
  for (const stored_tensor& t : a.tensors) {
    const stored_tensor& other = b.at(t.name);
    RC_ASSERT(t.type == other.type);
    RC_ASSERT(t.shape == other.shape);
    RC_ASSERT(t.bytes == other.bytes);
  }
}

TEST(safetensors, printing_and_parsing_are_inverse) {
  EXPECT_TRUE(rc::check("over made-up files", [] {
    const tensor_file file = some_file();
    const std::string text = print_safetensors(file);
    expect_equal(file, parse_safetensors(text, "made up"));
    // Printed again it may be longer: tensors in another order have other offsets.
    const std::string again = print_safetensors(parse_safetensors(text, "made up"));
    expect_equal(file, parse_safetensors(again, "printed again"));
  }));
}

// As the format's own library writes it, byte for byte but for the order of keys.
TEST(safetensors, reads_what_others_write) {
  const std::string header = R"({"b":{"dtype":"BF16","shape":[1,2],"data_offsets":[0,4]}})";
  std::string text(8, '\0');
  text[0] = char(header.size());
  const tensor_file file =
      parse_safetensors(text + header + std::string("\x80\x3f\x00\xc0", 4), "theirs");
  const stored_tensor& b = file.at("b");
  EXPECT_EQ(b.type, dtype::bf16);
  EXPECT_EQ(b.shape, (std::vector<std::int64_t>{1, 2}));
  EXPECT_EQ(b.elements(), 2);
  EXPECT_EQ(b.bytes[1], std::byte(0x3f));
}

TEST(safetensors, writes_data_where_eight_byte_words_begin) {
  for (std::size_t length = 1; length < 20; ++length) {
    const std::string text = print_safetensors(
        {{{std::string(length, 'x'), dtype::fp64, {1}, std::vector<std::byte>(8)}}, {}});
    EXPECT_EQ(text.size() % 8, 0u);
  }
}

// A damaged file is refused with one line, or is another file: nothing else may happen.
void parse_damaged(const std::string& text) {
  try {
    const tensor_file file = parse_safetensors(text, "damaged");
    for (const stored_tensor& t : file.tensors) EXPECT_LE(t.bytes.size(), text.size());
  } catch (const bad_input& wrong) {
    EXPECT_THAT(wrong.what(), testing::StartsWith("damaged: "));
  }
}

const tensor_file k_two = {{{"x", dtype::fp32, {2, 3}, std::vector<std::byte>(24)},
                            {"y", dtype::fp16, {}, std::vector<std::byte>(2)}},
                           {{"key", "text"}}};

TEST(safetensors, survives_any_change_of_one_byte) {
  const std::string good = print_safetensors(k_two);
  for (std::size_t at = 0; at < good.size(); ++at)
    for (int value = 0; value < 256; value += at < 8 ? 1 : 5) {
      std::string text = good;
      text[at] = char(value);
      parse_damaged(text);
    }
}

TEST(safetensors, survives_any_truncation_and_any_byte_too_many) {
  const std::string good = print_safetensors(k_two);
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_THROW(parse_safetensors(good.substr(0, length), "cut"), bad_input);
    parse_damaged(good.substr(0, length) + "0" + good.substr(length));
    parse_damaged(good.substr(0, length) + good.substr(length + 1));
  }
  EXPECT_THROW(parse_safetensors(good + "0", "longer"), bad_input);
}

TEST(safetensors, survives_many_changes_at_once) {
  const std::string good = print_safetensors(k_two);
  const std::string alphabet = "{}[]\":,-0123456789abcdefxyF \\\xff";
  EXPECT_TRUE(rc::check("over damaged files", [&] {
    std::string text = good;
    for (int i = *rc::gen::inRange(1, 12); i > 0; --i) {
      const auto at = *rc::gen::inRange<std::size_t>(8, text.size());
      const char with = *rc::gen::elementOf(alphabet);
      if (*rc::gen::arbitrary<bool>())
        text[at] = with;
      else
        text.insert(at, 1, with);
    }
    text[0] = char(*rc::gen::inRange<int>(0, int(std::min<std::size_t>(text.size(), 256))));
    parse_damaged(text);
  }));
}

TEST(safetensors, names_what_there_is_where_a_tensor_is_not) {
  try {
    k_two.at("xx");
    ADD_FAILURE();
  } catch (const bad_input& wrong) {
    EXPECT_STREQ(wrong.what(), "there is no tensor 'xx'; did you mean x?");
  }
}

}  // namespace
}  // namespace assay::properties
