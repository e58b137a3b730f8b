// Tests that are kernels. A .cu file here is compiled in every build of kernels.cmake, and
//
//   KERNEL_TEST(shuffle, reads_the_named_lane) { ... }
//
// becomes plain_shuffle.reads_the_named_lane, sanitized_shuffle.... and, where nvcc is,
// gpu_shuffle....
#pragma once

#include "optimized/device.cuh"
#include "optimized/simt/simt.cuh"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#define KERNEL_TEST_NAMED(build, suite, name) TEST(build##_##suite, name)
#define KERNEL_TEST_IN(build, suite, name) KERNEL_TEST_NAMED(build, suite, name)
#define KERNEL_TEST(suite, name) KERNEL_TEST_IN(ASSAY_BUILD, suite, name)

namespace assay::simt::inline ASSAY_BUILD::test {

using optimized::buffer;
using optimized::stream;

inline constexpr bool k_is_sanitized = k_this_build == build::sanitized;

inline optimized::device this_device() { return optimized::device(this_backend()); }

// What a launch led to.
struct outcome {
  std::vector<finding> findings;
  counters counted;
  std::string error;  // empty: none
};

// Runs what LAUNCH(stream) launches, to its end.
template <class Launch>
outcome run(Launch launch_on, emulation how = {}) {
  const optimized::device where = this_device();
  where.synchronize();
  where.place().take_findings();
  where.place().take_counters();
  outcome result;
  stream turn(where);
  turn.emulation() = std::move(how);
  try {
    launch_on(turn);
    turn.synchronize();
  } catch (const error& e) {
    result.error = e.what();
  }
  result.findings = where.place().take_findings();
  result.counted = where.place().take_counters();
  return result;
}

inline std::string text_of(const std::vector<finding>& findings) {
  std::string text;
  for (const finding& found : findings) text += to_string(found) + "\n";
  return text;
}

// Runs a launch in which nothing is wrong.
template <class Launch>
counters run_clean(Launch launch_on, emulation how = {}) {
  const outcome result = run(launch_on, std::move(how));
  EXPECT_EQ(result.error, "");
  EXPECT_TRUE(result.findings.empty()) << text_of(result.findings);
  return result.counted;
}

// What stands behind "// line: " on a line of a test's source: the tests name lines by it.
inline std::string mark_of(const source_line& where) {
  // A compiler may have been told to forget the folder that the repository lies in.
  const std::size_t root = where.file.rfind("optimized/simt/test/");
  if (root == std::string::npos) return "not a test: " + where.file;
  std::ifstream file(ASSAY_SOURCE_DIR "/" + where.file.substr(root));
  std::string text;
  for (unsigned line = 0; line < where.line; ++line) {
    if (!std::getline(file, text)) return "no such line: " + where.file;
  }
  const std::size_t mark = text.find("// line: ");
  return mark == std::string::npos ? "line without a mark: " + text : text.substr(mark + 9);
}

// What a sanitizer must say. A field that is left out may be anything.
struct expected_finding {
  tool kind{};
  std::string line;             // the mark of the line
  std::string other_line = {};  // of the other access, or of the other call
  std::string message = {};     // a part of it
  std::optional<coordinates> block = {};
  std::optional<coordinates> thread = {};
};

inline void expect_finding(const finding& found, const expected_finding& expected) {
  SCOPED_TRACE(to_string(found));
  EXPECT_EQ(name_of(found.kind), std::string(name_of(expected.kind)));
  EXPECT_EQ(mark_of(found.where), expected.line);
  if (expected.other_line.empty()) {
    EXPECT_EQ(found.other.line, 0u);
  } else {
    EXPECT_EQ(mark_of(found.other), expected.other_line);
  }
  EXPECT_NE(found.message.find(expected.message), std::string::npos);
  EXPECT_EQ(found.block, expected.block.value_or(found.block));
  EXPECT_EQ(found.thread, expected.thread.value_or(found.thread));
}

// Runs a launch in which something is wrong: in the sanitized build alone, which must report
// exactly this, once.
template <class Launch>
outcome run_broken(Launch launch_on, const expected_finding& expected, emulation how = {}) {
  if (!k_is_sanitized) return {};
  outcome result = run(launch_on, std::move(how));
  EXPECT_EQ(result.findings.size(), 1u) << text_of(result.findings);
  for (const finding& found : result.findings) expect_finding(found, expected);
  return result;
}

// One block of one or two warps of KERNEL, for run and its relatives.
template <class Kernel, class... Arguments>
auto one_warp(Kernel kernel, const Arguments&... arguments) {
  return [=](stream& turn) { launch(kernel, dim3(1), dim3(32), 0, turn, arguments...); };
}
template <class Kernel, class... Arguments>
auto two_warps(Kernel kernel, const Arguments&... arguments) {
  return [=](stream& turn) { launch(kernel, dim3(1), dim3(64), 0, turn, arguments...); };
}

template <class T>
buffer<T> on_device(const std::vector<T>& values, const std::string& name = "buffer") {
  return buffer<T>(this_device(), values, name);
}

// 0, 1, ..., n - 1.
template <class T>
std::vector<T> counted_up(std::size_t n) {
  std::vector<T> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = static_cast<T>(i);
  return values;
}

}  // namespace assay::simt::inline ASSAY_BUILD::test
