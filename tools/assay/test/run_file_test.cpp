// assay run on files that are truncated, damaged or hostile: one clear line, never a crash.

#include "tools/assay/test/command.hpp"

#include <gmock/gmock.h>

#include <sys/stat.h>
#include <filesystem>

namespace assay::tools::test {
namespace {

using testing::ElementsAre;

std::string length_of(std::uint64_t length) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += char(length >> (8 * i) & 0xff);
  return bytes;
}

std::string file_of(const std::string& header, const std::string& data = "") {
  return length_of(header.size()) + header + data;
}

// A tensor of two fp32 numbers, or whatever else is said of it.
std::string tensor(const std::string& shape = "[2]", const std::string& offsets = "[0,8]",
                   const std::string& type = "\"F32\"", const std::string& name = "\"x\"") {
  return name + ":{\"dtype\":" + type + ",\"shape\":" + shape + ",\"data_offsets\":" + offsets +
         "}";
}

std::string nested(int depth) {
  return std::string(std::size_t(depth), '[') + std::string(std::size_t(depth), ']');
}

class hostile_file : public command {
 protected:
  void expect_file_refused(const std::string& contents, const std::string& because) const {
    SCOPED_TRACE(because);
    write("in", contents);
    const ended result = assay({"run", "relu.plain.fwd", "--in", "in", "--out", "out"});
    expect_refused(result, because);
    EXPECT_THAT(result.err, testing::StartsWith("assay: in: "));
    EXPECT_LT(result.err.size(), 2100u);
    EXPECT_FALSE(exists("out"));
  }
};

const std::string k_eight(8, '\0');

TEST_F(hostile_file, is_not_one_where_it_is_good) {
  write("in", file_of("{" + tensor() + "}", k_eight));
  EXPECT_EQ(assay({"run", "relu.plain.fwd", "--in", "in", "--out", "out"}).code, 0);
}

TEST_F(hostile_file, truncated_anywhere_is_refused) {
  const std::string whole = file_of("{" + tensor() + "}", k_eight);
  for (std::size_t length = 0; length < whole.size(); length += 7)
    expect_file_refused(whole.substr(0, length), "not a safetensors file");
}

TEST_F(hostile_file, with_a_false_length_is_refused) {
  const std::string header = "{" + tensor() + "}";
  expect_file_refused("", "it has 0 bytes, fewer than the 8");
  expect_file_refused("1234567", "it has 7 bytes, fewer than the 8");
  expect_file_refused(length_of(0), "its header is not a JSON object");
  expect_file_refused(length_of(header.size() + 9) + header + k_eight, "are there");
  expect_file_refused(length_of(1ULL << 63) + header,
                      "its header claims 9223372036854775808 bytes");
  expect_file_refused(length_of(~0ULL) + header, "its header claims 18446744073709551615 bytes");
  expect_file_refused(length_of(100'000'001) + header, "at most 100000000 are allowed");
}

TEST_F(hostile_file, with_a_header_that_is_no_json_is_refused) {
  for (const std::string& header :
       {std::string("{"), std::string("[]"), std::string("null"), std::string("{}x"),
        std::string("{\"x\":}"), std::string("{\"\xff\xfe\":{}}"), std::string("{\"x\0\":{}}", 9),
        "{" + tensor() + ",}", nested(100'000), nested(3)})
    expect_file_refused(file_of(header, k_eight), "its header is not a JSON object");
  expect_file_refused(file_of("{\"x\":" + nested(100'000) + "}", k_eight), "'x' is not an object");
}

TEST_F(hostile_file, that_names_things_twice_is_refused) {
  expect_file_refused(file_of("{" + tensor() + "," + tensor() + "}", k_eight), "stands twice");
  expect_file_refused(
      file_of(R"({"x":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})", k_eight),
      "stands twice");
}

TEST_F(hostile_file, with_false_offsets_is_refused) {
  const auto refused = [&](const std::string& tensors, std::size_t bytes,
                           const std::string& because) {
    expect_file_refused(file_of("{" + tensors + "}", std::string(bytes, '\0')), because);
  };
  refused(tensor("[2]", "[0,9]"), 8, "claims bytes 0 to 9 of 8");
  refused(tensor("[2]", "[8,16]"), 8, "claims bytes 8 to 16 of 8");
  refused(tensor("[2]", "[8,0]"), 8, "claims bytes 8 to 0 of 8");
  refused(tensor("[2]", "[0,9223372036854775807]"), 8, "claims bytes");
  refused(tensor("[2]", "[0,18446744073709551615]"), 8, "no count: 18446744073709551615");
  refused(tensor("[2]", "[-8,0]"), 8, "no count: -8");
  refused(tensor("[2]", "[0,8.0]"), 8, "no count: 8.0");
  refused(tensor("[2]", "[0]"), 8, "lacks dtype, shape or data_offsets");
  refused(tensor("[2]", "[0,8,16]"), 8, "lacks dtype, shape or data_offsets");
  refused(tensor("[2]", "[0,4]"), 8, "has 4 bytes and its shape needs 8");
  refused(tensor("[2]", "[8,16]"), 16, "leave a gap at byte 0");
  refused(tensor("[2]", "[0,8]"), 16, "8 bytes behind its tensors belong to none");
  const std::string other = tensor("[2]", "[4,12]", "\"F32\"", "\"y\"");
  refused(tensor() + "," + other, 12, "overlap at byte 4");
  refused(tensor() + "," + tensor("[2]", "[12,20]", "\"F32\"", "\"y\""), 20,
          "leave a gap at byte 8");
}

TEST_F(hostile_file, with_a_false_shape_or_dtype_is_refused) {
  const auto refused = [&](const std::string& one, const std::string& because) {
    expect_file_refused(file_of("{" + one + "}", k_eight), because);
  };
  refused(tensor("[-2]"), "no count: -2");
  refused(tensor("[3]"), "has 8 bytes and its shape needs 12");
  refused(tensor("[2.0]"), "no count: 2.0");
  refused(tensor("[\"2\"]"), "no count");
  refused(tensor("2"), "lacks dtype, shape or data_offsets");
  refused(tensor("[9223372036854775807]"), "shape of tensor 'x' is too large");
  refused(tensor("[4294967296,4294967296]"), "shape of tensor 'x' is too large");
  refused(tensor("[4611686018427387904,4]"), "shape of tensor 'x' is too large");
  refused(tensor("[2]", "[0,8]", "\"I64\""), "has dtype I64; known are F32");
  refused(tensor("[2]", "[0,8]", "7"), "lacks dtype, shape or data_offsets");
  refused("\"x\":[]", "'x' is not an object");
  refused("\"__metadata__\":7," + tensor(), "__metadata__ is not an object");
  refused("\"__metadata__\":{\"a\":7}," + tensor(), "__metadata__ 'a' is not a text");
}

TEST_F(hostile_file, cannot_write_to_the_terminal_through_a_message) {
  expect_file_refused(file_of("{" + tensor("[2]", "[0,8]", R"("A\nB\u001b[31m")") + "}", k_eight),
                      "has dtype A\\nB\\x1b[31m; known are");
  expect_file_refused(
      file_of("{" + tensor("[2]", "[0,8]", "\"" + std::string(50'000, 'D') + "\"") + "}", k_eight),
      "DDD...");
}

TEST_F(hostile_file, of_any_size_costs_nothing_before_it_is_found_out) {
  write("in", length_of(2) + "{}");
  std::filesystem::resize_file(path("in"), 60'000'000'000);  // sparse
  const ended result = assay({"run", "relu.plain.fwd", "--in", "in", "--out", "out"});
  expect_refused(result, "belong to none");
  std::filesystem::resize_file(path("in"), 100'000'000'000);
  expect_refused(assay({"run", "relu.plain.fwd", "--in", "in", "--out", "out"}), "at most");
}

TEST_F(hostile_file, that_is_none_is_refused) {
  const auto refused = [&](const std::string& in, const std::string& because) {
    expect_refused(assay({"run", "relu.plain.fwd", "--in", in, "--out", "out"}),
                   in + ": cannot be read: " + because);
  };
  refused("absent", "No such file or directory");
  refused(".", "it is not a file");
  refused("/dev/zero", "it is not a file");
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  refused("pipe", "it is not a file");  // and nobody waits for who might write into it
  EXPECT_THAT(files(), ElementsAre("pipe"));
}

}  // namespace
}  // namespace assay::tools::test
