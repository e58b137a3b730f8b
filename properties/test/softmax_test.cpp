// Softmax: what its kernels read, its policies, and that long rows and all kernels go under every
// sanitizer.

#include "properties/harness.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace assay::properties {
namespace {

constexpr double k_inf = reference::k_infinity;

case_id softmax_case(const std::string& variant, const std::string& direction, dtype type,
                     const fields& shape) {
  const bool forward = direction == "fwd";
  case_id id{"softmax", variant, direction, {}, shape, {"normal", {}}, 3};
  for (const char* name : forward ? std::vector{"x", "y"} : std::vector{"y", "dy", "dx"})
    id.types.push_back({name, type});
  return id;
}

simt::counters counted(const case_id& id, const std::string& implementation) {
  run_settings settings;
  settings.sanitize = simt::sanitizer_tools{};
  settings.repeat = false;
  const run_report report = run({id, implementation, "emulator", 0}, prepare(id), settings);
  EXPECT_EQ(report.result, outcome::passed) << report.reason;
  return report.counted;
}

// By words of 16 bytes, a warp 512 bytes at a time; the textbook's kernel element by element.
TEST(softmax, reads_a_row_that_fits_on_chip_once_and_the_textbook_three_times) {
  for (dtype type : {dtype::fp32, dtype::bf16, dtype::fp16})
    for (std::int64_t n : {1024, 8192}) {
      const case_id id = softmax_case("plain", "fwd", type, {{"rows", 2}, {"n", n}});
      const auto bytes = std::uint64_t(2 * n) * size_of(type);
      const simt::counters online = counted(id, "online"), naive = counted(id, "three_pass");
      EXPECT_EQ(online.global_load_bytes, bytes);
      EXPECT_EQ(online.global_loads, bytes / 512);
      EXPECT_EQ(online.global_stores, bytes / 512);
      EXPECT_EQ(naive.global_load_bytes, 3 * bytes);
      EXPECT_EQ(naive.global_loads, 3 * 2 * std::uint64_t(n) / 32);
    }
}

TEST(softmax, reads_a_longer_row_twice) {
  const case_id id = softmax_case("plain", "fwd", dtype::bf16, {{"rows", 1}, {"n", 20000}});
  // Three chunks: a maximum and a sum each, which three blocks read.
  EXPECT_EQ(counted(id, "online").global_load_bytes, 2 * 20000 * 2u + 3 * 3 * 8u);
}

TEST(softmax, of_a_causal_row_reads_what_it_sees) {
  const case_id id =
      softmax_case("causal", "fwd", dtype::fp32, {{"batch", 1}, {"q", 3}, {"k", 40}});
  EXPECT_EQ(counted(id, "online").global_load_bytes, (38 + 39 + 40) * 4u);
}

TEST(softmax, of_long_rows_passes_under_every_sanitizer) {
  for (const char* direction : {"fwd", "bwd"})
    for (const std::int64_t n : {1025, 8193, 17000}) {
      const case_id id = softmax_case("plain", direction, dtype::bf16, {{"rows", 1}, {"n", n}});
      run_settings settings;
      settings.sanitize = simt::sanitizer_tools{};
      settings.repeat = false;
      const prepared_case prepared = prepare(id);
      for (const implementation& by : prepared.of->implementations) {
        if (!by.declines(id).empty()) continue;
        const run_report report = run({id, by.name, "emulator", 5}, prepared, settings);
        EXPECT_EQ(report.result, outcome::passed) << print(report.id) << ": " << report.reason;
      }
    }
}

// The results of one row by every implementation of softmax.VARIANT.fwd.
std::vector<std::vector<double>> results_of_row(const std::string& variant,
                                                const std::vector<double>& x) {
  const case_id id =
      softmax_case(variant, "fwd", dtype::fp32, {{"rows", 1}, {"n", std::int64_t(x.size())}});
  std::vector<std::vector<double>> all;
  for (const implementation& by : contract_of(id).implementations)
    all.push_back(outputs_of({id, by.name, "emulator", 0}, {id, {x}, {}}, {})[0]);
  return all;
}

TEST(softmax, of_a_row_of_masks_is_zeros) {
  for (const auto& y : results_of_row("plain", std::vector<double>(70, -k_inf)))
    for (double each : y) EXPECT_EQ(each, 0);
  for (const auto& y : results_of_row("log", std::vector<double>(70, -k_inf)))
    for (double each : y) EXPECT_EQ(each, -k_inf);
}

TEST(softmax, of_a_row_with_NaN_or_infinity_is_NaN) {
  for (const char* variant : {"plain", "log"})
    for (double strange : {reference::k_nan, k_inf})
      for (std::size_t at : {0u, 33u, 69u}) {
        std::vector<double> x(70, 1);
        x[3] = -k_inf;
        x[at] = strange;
        for (const auto& y : results_of_row(variant, x))
          for (double each : y) EXPECT_TRUE(std::isnan(each)) << variant << " " << at;
      }
}

// -infinity masks; a large negative number is one like any other, though its share may be nothing.
TEST(softmax, masks_by_infinity_alone) {
  for (const auto& y : results_of_row("plain", {-3e38, -3e38, -k_inf, -k_inf}))
    EXPECT_EQ(y, (std::vector<double>{0.5, 0.5, 0, 0}));
  for (const auto& y : results_of_row("plain", {3e38, -3e38}))
    EXPECT_EQ(y, (std::vector<double>{1, 0}));
  for (const auto& y : results_of_row("log", {-3e38, -k_inf}))
    EXPECT_EQ(y, (std::vector<double>{0, -k_inf}));
}

// e^(t - max) / sum with the maximum not subtracted, masking by 0 and by a large finite number, and
// more: all are outside the bound of every implementation.
TEST(softmax, has_bounds_that_wrong_formulas_leave) {
  case_id id = softmax_case("plain", "fwd", dtype::fp32, {{"rows", 4}, {"n", 1024}});
  const prepared_case prepared = prepare(id);
  const std::vector<double>& x = prepared.inputs.values[0];
  const std::vector<double>& right = prepared.exact[0].value;
  for (const implementation& by : prepared.of->implementations) {
    const auto passes = [&](std::vector<double> y) {
      for (double& each : y) each = reference::round(reference::k_fp32, each);
      const output_verdict v = judge(prepared, by, {y})[0];
      return v.strict.passed() && v.scatter.passed();
    };
    EXPECT_TRUE(passes(right));
    std::vector<double> dropped = right, coarse = right;
    for (std::size_t r = 0; r < 4; ++r)
      for (std::size_t j = 0; j < 1024; ++j) {
        dropped[r * 1024 + j] /= 1 - right[r * 1024 + 7];
        coarse[r * 1024 + j] *= 1 + 0x1p-9;  // a sum in bf16
      }
    EXPECT_FALSE(passes(dropped)) << by.name;
    EXPECT_FALSE(passes(coarse)) << by.name;
    std::vector<double> swapped = right;
    std::swap(swapped[x[0] == x[1] ? 2 : 1], swapped[0]);
    EXPECT_FALSE(passes(swapped)) << by.name;
  }
}

}  // namespace
}  // namespace assay::properties
