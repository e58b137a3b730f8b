// The verdict layer, proved on CPU models before a kernel is judged by it: correct models never
// raise an alarm, broken ones always do.

#include "properties/test/trials.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <set>
#include <string>

namespace assay::properties::models {
namespace {

using make = trial (*)(const setting&);
struct kind {
  const char* name;
  make trial_of;
};

trial gelu_of(const setting& s) { return gelu_trial(s); }

constexpr kind k_gelu{"gelu_naive", gelu_of}, k_sum{"lane_sum", sum_trial},
    k_softmax{"softmax", softmax_trial}, k_dot{"tensor_core_dot", dot_trial},
    k_average{"weighted_average", average_trial};

constexpr std::array<dtype, 3> k_types = {dtype::fp32, dtype::bf16, dtype::fp16};

// Every distribution there is, with its defaults, and some of them with other parameters.
std::vector<distribution_id> everything() {
  std::vector<distribution_id> all = {
      {"normal", {{"mean", 10}}},
      {"uniform", {{"low", 0}}},
      {"lognormal", {{"sigma", 3}, {"scale", 1e-3}}},
      {"normal", {{"scale", 3e-6}}},  // fp16: among the subnormals
      {"wide", {{"below", 20}}},      // every exponent, and no sum that overflows
      {"constant", {{"value", 0.3}}},
      {"ill_conditioned", {{"cond", 1e4}}},
      {"one_hot", {{"index", 2}, {"value", -3}}},
  };
  for (const distribution_info& info : distributions()) all.push_back({std::string(info.name), {}});
  return all;
}
const std::vector<distribution_id> k_everything = everything();

struct tally {
  std::int64_t outputs = 0, verdicts = 0, statistical = 0;
  double fraction = 0, energy = 0, bias = 0;  // the nearest to its limit that a correct model came

  void add(const outcome& o) {
    outputs += o.strict.judged;
    ++verdicts;
    fraction = std::max(fraction, o.strict.worst_fraction);
    if (!o.scattered.judged) return;
    ++statistical;
    energy = std::max(energy, o.scattered.energy / o.scattered.energy_limit);
    bias = std::max(bias, std::abs(o.scattered.bias) / o.scattered.bias_limit);
  }
};

std::string text_of(const kind& what, const setting& s) {
  std::string parameters;
  for (const field& each : s.from.parameters)
    parameters += "," + each.key + "=" + each.value.text();
  return fmt::format("{} n={} rows={} {} to {}, dist={}{}, seed {}", what.name, s.n, s.rows,
                     name_of(s.input), name_of(s.output), s.from.name, parameters, s.seed);
}

void expect_no_alarm(const kind& what, const setting& s, tally& all) {
  const outcome result = judge(s, what.trial_of(s));
  all.add(result);
  EXPECT_TRUE(result.strict.passed()) << text_of(what, s) << ": " << result.strict.reason
                                      << ", fraction " << result.strict.worst_fraction;
  EXPECT_TRUE(result.scattered.passed()) << text_of(what, s) << ": " << result.scattered.reason();
}

// Every distribution, pair of dtypes and size from 1 to `largest`; as many rows as make `outputs`
// outputs, or fewer where rows are long.
tally sweep(const kind& what, std::int64_t outputs, std::int64_t largest,
            std::int64_t outputs_per_row) {
  tally all;
  std::uint64_t seed = 1;
  for (const distribution_id& from : k_everything)
    for (dtype input : k_types)
      for (dtype output : k_types)
        for (std::int64_t n = 1; n <= largest; n = n < 4 ? n + 1 : n * 8) {
          if (&what == &k_dot && input == dtype::fp32)
            continue;  // tensor cores take 16-bit factors
          const std::int64_t per_row = outputs_per_row == 0 ? n : outputs_per_row;
          const std::int64_t by_cost = (std::int64_t(1) << 16) / n;
          const std::int64_t rows = std::max<std::int64_t>(1, std::min(by_cost, outputs / per_row));
          expect_no_alarm(what, {from, input, output, n, rows, seed++, {}}, all);
        }
  fmt::print(
      "{}: {} outputs, {} verdicts, {} of them statistical; nearest to a limit: {:.2f} of the "
      "strict bound, {:.2f} of the energy, {:.2f} of the bias allowed\n",
      what.name, all.outputs, all.verdicts, all.statistical, all.fraction, all.energy, all.bias);
  EXPECT_GT(all.statistical, 0);
  return all;
}

// Together more than 12.7 million correct outputs, as the README says.
TEST(verdict, raises_no_alarm_over_an_elementwise_function) {
  EXPECT_GT(sweep(k_gelu, 30000, 1, 1).outputs, 4'500'000);
}
TEST(verdict, raises_no_alarm_over_sums) {
  EXPECT_GT(sweep(k_sum, 6000, 1 << 11, 1).outputs, 4'000'000);
}
TEST(verdict, raises_no_alarm_over_softmax_rows) {
  EXPECT_GT(sweep(k_softmax, 3000, 1 << 11, 0).outputs, 2'500'000);
}
TEST(verdict, raises_no_alarm_over_truncating_dot_products) {
  EXPECT_GT(sweep(k_dot, 4000, 1 << 11, 1).outputs, 1'200'000);
}
TEST(verdict, raises_no_alarm_over_averages_with_16_bit_weights) {
  EXPECT_GT(sweep(k_average, 1000, 1 << 8, k_width).outputs, 500'000);
}

// One row of 2^20 terms: the statistical test has a single group to go by, sequential addition of
// positive terms stagnates, and neither may cause an alarm.
TEST(verdict, raises_no_alarm_over_a_million_terms) {
  tally all;
  for (const distribution_id& from : k_everything) {
    expect_no_alarm(k_sum, {from, dtype::fp32, dtype::fp32, 1 << 17, 1, 3, {}}, all);
    const setting million{from, dtype::bf16, dtype::bf16, 1 << 20, 1, 5, {}};
    EXPECT_TRUE(judge_strictly(million, sum_trial(million)).passed()) << text_of(k_sum, million);
    EXPECT_TRUE(judge_strictly(million, dot_trial(million)).passed()) << text_of(k_dot, million);
    const setting long_row{from, dtype::fp32, dtype::fp32, 1 << 18, 1, 7, {}};
    EXPECT_TRUE(judge_strictly(long_row, softmax_trial(long_row)).passed())
        << text_of(k_softmax, long_row);
  }
}

struct broken {
  const char* what;
  kind of;
  setting s;
};

const distribution_id k_normal{"normal", {}}, k_uniform{"uniform", {{"low", 0}}};
constexpr dtype k_f32 = dtype::fp32, k_bf = dtype::bf16, k_hf = dtype::fp16;

faults scaled(double by) { return {.scale = by}; }
faults dropped(std::int64_t which) { return {.dropped = which}; }
faults misplaced(const reference::format& f) { return {.misplaced = &f}; }
faults constant(double factor) { return {.constant_factor = factor}; }
const faults k_bfsum{.accumulate_in_bf16 = true};

// The faults that a harness must not let through, on 1,024 terms, in the output types in which they
// are hardest to see.
const std::vector<broken> k_broken = {
    {"0.7071 for 1/sqrt 2",
     k_gelu,
     {k_normal, k_f32, k_f32, 1, 4096, 1, constant(0.7071 * std::sqrt(2.0))}},
    {"0.7071 for 1/sqrt 2",
     k_gelu,
     {k_normal, k_bf, k_bf, 1, 4096, 1, constant(0.7071 * std::sqrt(2.0))}},
    {"t rounded to bf16",
     k_gelu,
     {k_normal, k_f32, k_f32, 1, 4096, 1, misplaced(reference::k_bf16)}},
    {"t rounded to bf16", k_gelu, {k_normal, k_bf, k_bf, 1, 4096, 1, misplaced(reference::k_bf16)}},
    {"t rounded to fp16",
     k_gelu,
     {k_normal, k_f32, k_hf, 1, 4096, 1, misplaced(reference::k_fp16)}},
    {"off by 0.2 %", k_gelu, {k_normal, k_bf, k_bf, 1, 4096, 1, scaled(1.002)}},
    {"bf16 accumulator", k_sum, {k_normal, k_f32, k_f32, 1024, 64, 1, k_bfsum}},
    {"bf16 accumulator", k_sum, {k_uniform, k_bf, k_bf, 1024, 64, 1, k_bfsum}},
    {"one of 1,024 dropped", k_sum, {k_uniform, k_f32, k_f32, 1024, 64, 1, dropped(1023)}},
    {"one of 1,024 dropped", k_sum, {k_uniform, k_bf, k_bf, 1024, 64, 1, dropped(1023)}},
    {"off by 0.2 %", k_sum, {k_normal, k_bf, k_bf, 1024, 64, 1, scaled(1.002)}},
    {"bf16 accumulator", k_softmax, {k_normal, k_bf, k_bf, 1024, 16, 1, k_bfsum}},
    {"one of 1,024 dropped", k_softmax, {k_normal, k_f32, k_f32, 1024, 16, 1, dropped(7)}},
    {"one of 1,024 dropped", k_softmax, {k_normal, k_bf, k_bf, 1024, 16, 1, dropped(7)}},
    {"scores off by 0.2 %", k_softmax, {k_normal, k_bf, k_bf, 1024, 16, 1, scaled(1.002)}},
    {"exponentials rounded to bf16",
     k_softmax,
     {k_normal, k_bf, k_bf, 1024, 16, 1, misplaced(reference::k_bf16)}},
    {"exponentials rounded to fp16",
     k_softmax,
     {k_normal, k_f32, k_bf, 1024, 16, 1, misplaced(reference::k_fp16)}},
    {"bf16 accumulator", k_dot, {k_normal, k_bf, k_bf, 1024, 64, 1, k_bfsum}},
    {"one of 1,024 dropped", k_dot, {k_normal, k_bf, k_bf, 1024, 64, 1, dropped(512)}},
    {"off by 0.2 %", k_dot, {k_normal, k_bf, k_bf, 1024, 64, 1, scaled(1.002)}},
    {"one of 1,024 keys dropped", k_average, {k_normal, k_bf, k_bf, 1024, 64, 1, dropped(512)}},
    // The weights' own rounding hides these from the strict bound: the scatter must show them, and
    // it takes many rows.
    {"output rounded to bf16 before it is divided",
     k_average,
     {k_normal, k_bf, k_bf, 128, 4096, 1, misplaced(reference::k_bf16)}},
    {"scores off by 0.2 %", k_average, {k_normal, k_bf, k_bf, 128, 4096, 1, scaled(1.002)}},
};

TEST(verdict, leaves_out_no_distribution) {
  std::set<std::string> known, covered;
  for (const distribution_info& info : distributions()) known.emplace(info.name);
  for (const distribution_id& each : k_everything) covered.insert(each.name);
  EXPECT_EQ(covered, known);
}

// As many faults, in as many kinds of kernel, as the README says.
TEST(verdict, catches_every_mandatory_fault) {
  EXPECT_EQ(k_broken.size(), 23u);
  std::set<std::string> kinds;
  for (const broken& b : k_broken) kinds.insert(b.of.name);
  EXPECT_EQ(kinds.size(), 5u);
  for (const broken& b : k_broken) {
    setting correct = b.s;
    correct.wrong = {};
    EXPECT_FALSE(judge(correct, b.of.trial_of(correct)).caught()) << b.of.name;
    const outcome result = judge(b.s, b.of.trial_of(b.s));
    EXPECT_TRUE(result.caught()) << b.of.name << ", " << name_of(b.s.output) << ": " << b.what;
    fmt::print("{:17} {:5} {:45} strict bound: {:6} of {:6} elements; scatter: {}\n", b.of.name,
               name_of(b.s.output), b.what, result.strict.failed, result.strict.elements,
               !result.scattered.judged    ? "not judged"
               : result.scattered.passed() ? "passed"
                                           : result.scattered.reason());
  }
}

}  // namespace
}  // namespace assay::properties::models
