// The next token: exact cases by hand, what the bounds leave open, which mistakes are found, bits
// that do not depend on where a row lies, and how often logits are read.

#include "properties/choices.hpp"
#include "properties/sampling_model.hpp"
#include "properties/test/attention_support.hpp"
#include "properties/values.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace assay::properties {
namespace {

constexpr double k_none = -std::numeric_limits<double>::infinity(),
                 k_inf = std::numeric_limits<double>::infinity(),
                 k_nan = std::numeric_limits<double>::quiet_NaN();
const std::vector<std::string> k_kernels = {"block", "naive"};
const std::vector<dtype> k_types = {dtype::fp32, dtype::bf16, dtype::fp16};

struct wanted {
  double temperature = 1, top_k = 0, top_p = 1;
};

case_id sampling_of(const std::string& variant, dtype type, std::int64_t rows, std::int64_t columns,
                    const wanted& by = {}, const fields& layout = {}) {
  case_id id{"sampling", variant, "fwd", {}, {}, {"normal", {}}, 5};
  const contract& c = contract_of(id);
  for (const tensor_spec& each : c.inputs)
    id.types.push_back({each.name, each.name == "logits" ? type
                                   : each.name == "u"    ? dtype::fp32
                                                         : dtype::int32});
  id.types.push_back({"tokens", dtype::int32});
  id.shape = {{"rows", rows}, {"v", columns}};
  id.shape.insert(id.shape.end(), layout.begin(), layout.end());
  if (variant == "greedy") return id;
  id.shape.insert(id.shape.end(),
                  {{"temperature", by.temperature}, {"top_k", by.top_k}, {"top_p", by.top_p}});
  if (variant == "next") id.shape.push_back({"seed", 77.0});
  return id;
}

std::vector<double> tokens_of(const case_inputs& in, const std::string& by) {
  return outputs_of({in.id, by, "emulator", 0}, in, {})[0];
}

// Rows of the same logits, each with a u of its own; without any, greedy.
case_inputs rows_of(const std::vector<double>& logits, dtype type, const wanted& by = {},
                    const std::vector<double>& u = {}) {
  const std::size_t rows = std::max<std::size_t>(u.size(), 1);
  case_inputs in = inputs_of(sampling_of(u.empty() ? "greedy" : "draw", type, std::int64_t(rows),
                                         std::int64_t(logits.size()), by));
  in.values[k_token_logits].clear();
  for (std::size_t r = 0; r < rows; ++r)
    in.values[k_token_logits].insert(in.values[k_token_logits].end(), logits.begin(), logits.end());
  if (!u.empty()) in.values[k_given_u] = u;
  return in;
}

using tokens = std::vector<double>;

TEST(sampling, greedy_takes_the_first_of_the_largest) {
  const std::vector<std::pair<std::vector<double>, double>> all = {{{-3, -1, -1, k_none, -2}, 1},
                                                                   {{-0.0, 0.0, -0.0}, 0},
                                                                   {{0.0, -0.0, 0.0}, 0},
                                                                   {{-5}, 0},
                                                                   {{k_none, k_none, -60000}, 2},
                                                                   {{k_none, k_none}, -1},
                                                                   {{1, k_nan, 2}, -1},
                                                                   {{1, k_inf, 2}, -1},
                                                                   {{-1, -2, -0.5, -0.5}, 2},
                                                                   {{7, 7, 7, 7}, 0},
                                                                   {{-1, 1e-30, 0}, 1}};
  for (const dtype type : k_types)
    for (const std::string& by : k_kernels)
      for (const auto& [logits, token] : all) {
        if (type == dtype::fp16 && std::count(logits.begin(), logits.end(), 1e-30) > 0)
          continue;  // it has no such number
        std::vector<double> rounded;
        for (const double x : logits) rounded.push_back(round_to(type, x));
        EXPECT_EQ(tokens_of(rows_of(rounded, type), by), tokens{token});
      }
}

// Equal logits: weights of 1, whose sums are exact, so that u may be a partial sum itself.
TEST(sampling, a_partial_sum_that_u_meets_is_not_exceeded) {
  const double below = 0x1p-24;
  const std::vector<double> u = {0, 0.25 - below, 0.25, 0.5 - below, 0.5, 0.75, 1 - below};
  for (const dtype type : k_types)
    for (const std::string& by : k_kernels) {
      EXPECT_EQ(tokens_of(rows_of({-2, -2, -2, -2}, type, {}, u), by),
                (tokens{0, 0, 1, 1, 2, 3, 3}));
      EXPECT_EQ(tokens_of(rows_of({k_none, 3, k_none, 3, 3, k_none, 3}, type, {}, u), by),
                (tokens{1, 1, 3, 3, 4, 6, 6}));
    }
}

TEST(sampling, top_k_keeps_ties_and_may_exceed_the_vocabulary) {
  const std::vector<double> logits = {1, 3, 3, 3, 1}, u = {0, 0.5, 1 - 0x1p-24};
  for (const std::string& by : k_kernels) {
    for (const double k : {1.0, 2.0, 3.0})
      EXPECT_EQ(tokens_of(rows_of(logits, dtype::fp32, {1, k, 1}, u), by), (tokens{1, 2, 3})) << k;
    // At a temperature this high all weights are 1.
    for (const double k : {4.0, 5.0, 6.0, 1e6, 0.0})
      EXPECT_EQ(tokens_of(rows_of(logits, dtype::fp32, {0x1p100, k, 1}, u), by), (tokens{0, 2, 4}))
          << k;
    // Zeros of both signs are one number.
    EXPECT_EQ(tokens_of(rows_of({-0.0, 0, -1, -0.0, 0}, dtype::fp32, {0x1p100, 2, 1},
                                {0, 0.25, 0.5, 0.75}),
                        by),
              (tokens{0, 1, 3, 4}));
  }
}

// Of eight equal tokens the first with at least the share.
TEST(sampling, top_p_keeps_the_smallest_set_with_the_share) {
  const std::vector<double> logits = {k_none, -7, -7, -7, k_none, -7, -7, -7, -7, -7};
  const double last = 1 - 0x1p-24;
  for (const std::string& by : k_kernels) {
    const std::pair<double, double> all[] = {
        {0, 1},   {0x1p-40, 1},       {0.125, 1},         {0.25, 2},
        {0.5, 5}, {0.5 + 0x1p-24, 6}, {0.5 - 0x1p-25, 5}, {0.875, 8},
        {1, 9}};
    for (const auto& [share, token] : all)
      EXPECT_EQ(tokens_of(rows_of(logits, dtype::fp32, {1, 0, share}, {0, last}), by),
                (tokens{1, token}))
          << share << " " << by;
    // A larger one comes first, wherever it stands: weights 1 and six times 0.135.
    const std::vector<double> one = {0, 0, 0, 2, 0, 0, 0};
    EXPECT_EQ(tokens_of(rows_of(one, dtype::fp32, {1, 0, 0.5}, {0, last}), by), (tokens{3, 3}));
    EXPECT_EQ(tokens_of(rows_of(one, dtype::fp32, {1, 0, 0.6171875}, {0, last}), by),
              (tokens{0, 3}));
    EXPECT_EQ(tokens_of(rows_of(one, dtype::fp32, {1, 0, 0.984375}, {0, last}), by),
              (tokens{0, 6}));
  }
}

TEST(sampling, temperature_0_is_greedy_and_a_tiny_one_nearly) {
  const std::vector<double> logits = {-1, 2, 1.9375, 2, k_none}, u = {0, 0.5, 1 - 0x1p-24};
  for (const dtype type : k_types)
    for (const std::string& by : k_kernels) {
      EXPECT_EQ(tokens_of(rows_of(logits, type, {0, 0, 1}, u), by), (tokens{1, 1, 1}));
      EXPECT_EQ(tokens_of(rows_of(logits, type, {0, 3, 0.5}, u), by), (tokens{1, 1, 1}));
      for (const double temperature : {0x1p-149, 0x1p-140, 0x1p-126, 0x1p-20})
        EXPECT_EQ(tokens_of(rows_of(logits, type, {temperature, 0, 1}, u), by), (tokens{1, 3, 3}));
    }
}

TEST(sampling, draws_nothing_where_there_is_nothing_to_draw) {
  for (const std::string& by : k_kernels) {
    for (const std::vector<double>& logits :
         {std::vector<double>{k_none, k_none}, {1, k_nan}, {k_inf, 1}})
      for (const wanted& how : {wanted{}, {0, 0, 1}, {1, 1, 0.5}})
        EXPECT_EQ(tokens_of(rows_of(logits, dtype::fp32, how, {0.5}), by), tokens{-1});
    EXPECT_EQ(
        tokens_of(rows_of({1, 1}, dtype::fp32, {}, {1, -0.5, k_nan, k_inf, -0.0, 0.5, 0x1p-140}),
                  by),
        (tokens{-1, -1, -1, -1, 0, 1, 0}));
  }
}

std::vector<std::int64_t> open_of(const std::vector<double>& logits, const wanted& by, double u,
                                  sampling_sums sums) {
  return open_tokens(logits, {by.temperature, std::int64_t(by.top_k), by.top_p}, u, sums);
}

// Of equal logits nothing rounds: whatever u, share and k are, one token is left open, the truth.
// (Sums in fp32 round u's product where 24 bits do not hold it.)
TEST(sampling, leaves_one_token_open_where_all_is_exact) {
  for (const std::size_t n : {1u, 4u, 16u, 64u, 4096u})
    for (const double share : {1.0, 0.5, 0.25 + 0x1p-24, 0.0})
      for (std::uint64_t i = 0; i < 200; ++i) {
        element_stream from(9, 1, i);
        const double u = i < 16 ? double(i) / 16 : from.below(1 << 24) * 0x1p-24;
        const std::vector<double> logits(n, -3);
        const auto kept = reference::kept_weights<double>(logits, {1, 0, share});
        const std::int64_t token = reference::drawn_token(std::span<const double>(kept), u);
        for (const sampling_sums sums : {sampling_sums::exact, sampling_sums::sequential})
          EXPECT_EQ(open_of(logits, {1, 0, share}, u, sums), std::vector<std::int64_t>{token})
              << n << " " << share << " " << u;
      }
  const std::vector<double> three(3, 0);
  for (std::uint64_t i = 0; i < 1000; ++i)
    EXPECT_EQ(open_of(three, {}, element_stream(9, 2, i).uniform(), sampling_sums::exact).size(),
              1u);
}

// Beside a partial sum both of its tokens are open; away from it one is. Weights 1 and 1/e.
TEST(sampling, leaves_two_tokens_open_where_u_is_next_to_a_partial_sum) {
  const std::vector<double> logits = {1, 0};
  const double edge = 1 / (1 + std::exp(-1.0));
  for (const sampling_sums sums : {sampling_sums::exact, sampling_sums::sequential}) {
    EXPECT_EQ(open_of(logits, {}, edge, sums), (std::vector<std::int64_t>{0, 1}));
    EXPECT_EQ(open_of(logits, {}, edge + 0x1p-20, sums), (std::vector<std::int64_t>{1}));
    EXPECT_EQ(open_of(logits, {}, edge - 0x1p-20, sums), (std::vector<std::int64_t>{0}));
    // The share that the first has: the second may be kept, or not.
    EXPECT_EQ(open_of(logits, {1, 0, edge}, 0.9, sums), (std::vector<std::int64_t>{0, 1}));
    EXPECT_EQ(open_of(logits, {1, 0, edge - 0x1p-20}, 0.9, sums), (std::vector<std::int64_t>{0}));
    EXPECT_EQ(open_of(logits, {1, 0, edge + 0x1p-20}, 0.9, sums), (std::vector<std::int64_t>{1}));
    // What is dropped between two tokens is never open.
    EXPECT_EQ(open_of({1, k_none, -90, 0}, {1, 2, 1}, edge, sums),
              (std::vector<std::int64_t>{0, 3}));
  }
}

// The truth is always open, and nearly always alone; what is not open is refused.
TEST(sampling, refuses_every_other_token) {
  const case_id id = sampling_of("next", dtype::fp32, 400, 50, {1, 30, double(0.9f)});
  const prepared_case prepared = prepare(id);
  for (const std::string& by : k_kernels) {
    const implementation& it = *prepared.of->find(by);
    const auto open = as_choosing(*it.model)->open(prepared.inputs);
    const std::vector<double> truth = prepared.exact[0].value;
    EXPECT_TRUE(judge(prepared, it, {truth})[0].strict.passed());
    for (std::size_t r = 0; r < open.size(); ++r) {
      EXPECT_NE(std::find(open[r].begin(), open[r].end(), std::int64_t(truth[r])), open[r].end());
      for (double token = -1; token <= 50; ++token) {
        std::vector<double> got = truth;
        got[r] = token;
        const bool right =
            std::find(open[r].begin(), open[r].end(), std::int64_t(token)) != open[r].end();
        EXPECT_EQ(judge(prepared, it, {got})[0].strict.passed(), right) << r << " " << token;
        if (r > 3 && open[r].size() == 1) break;  // rows without a choice are alike
      }
    }
  }
}

// A kernel that is given other settings than it is judged by.
TEST(sampling, catches_what_is_off_by_one) {
  for (const std::string variant : {"draw", "next"})
    for (const std::string& by : k_kernels)
      for (const dtype type : k_types) {
        const case_id id = sampling_of(variant, type, 300, 60, {1, 20, 0.75});
        EXPECT_TRUE(passes(id, by, inputs_of(id)));
        const auto caught = [&](const char* key, double value, std::size_t parameter) {
          case_inputs in = inputs_of(id);
          set(in, key, value, parameter);
          EXPECT_FALSE(passes(id, by, in)) << variant << " " << by << " " << key << " " << value;
        };
        caught("temperature", double(1.01f), 0);
        caught("top_p", 0.765625, 2);
        caught("top_p", 0.734375, 2);
        if (variant == "next") caught("seed", 78, 3);
        const case_id counted = sampling_of(variant, type, 300, 60, {1, 20, 1});
        for (const double k : {19.0, 21.0}) {
          case_inputs in = inputs_of(counted);
          set(in, "top_k", k, 1);
          EXPECT_FALSE(passes(counted, by, in)) << by << " " << k;
        }
        for (std::size_t t = 1; t < inputs_of(id).values.size(); ++t) {
          case_inputs in = inputs_of(id);
          std::rotate(in.values[t].begin(), in.values[t].begin() + 1, in.values[t].end());
          EXPECT_FALSE(passes(id, by, in)) << by << ", tensor " << t << " of another row";
        }
      }
}

TEST(sampling, gives_a_row_the_same_token_wherever_it_lies) {
  for (const std::string variant : {"greedy", "draw", "next"})
    for (const dtype type : {dtype::fp32, dtype::fp16})
      for (const std::string& by : k_kernels) {
        const wanted how = {1, 600, double(0.9f)};
        const case_inputs in = inputs_of(sampling_of(variant, type, 9, 1021, how));
        const std::vector<double> plain = tokens_of(in, by);
        for (const fields& layout : {fields{{"align", 4}}, fields{{"align", 4}, {"pad", 3}},
                                     fields{{"pad", 8}}, fields{{"align", 8}, {"pad", 1}}}) {
          case_inputs moved = in;
          moved.id = sampling_of(variant, type, 9, 1021, how, layout);
          EXPECT_EQ(tokens_of(moved, by), plain) << print(moved.id) << " " << by;
        }
      }
}

// Rows that shared memory holds are read once; of longer ones the declared passes are counted.
TEST(sampling, moves_the_bytes_that_it_declares) {
  const wanted all[] = {{}, {1, 50, 1}, {1, 0, 0.75}, {double(0.8f), 50, double(0.9f)}, {0, 0, 1}};
  for (const std::string variant : {"greedy", "draw", "next"})
    for (const auto& [type, columns] : {std::pair<dtype, std::int64_t>{dtype::fp32, 26624},
                                        {dtype::fp32, 26625},
                                        {dtype::bf16, 50257},
                                        {dtype::bf16, 53249}})
      for (const wanted& by : all) {
        const case_id id = sampling_of(variant, type, 1, columns, by);
        const simt::counters counts = counted(id, "block");
        EXPECT_EQ(double(counts.global_load_bytes + counts.global_store_bytes),
                  contract_of(id).find("block")->traffic(id))
            << print(id);
        EXPECT_EQ(counts.global_atomic_bytes, 0u);
      }
}

// Both kernels choose by the same rule: on weights of 0 and 1 they have the same token everywhere.
TEST(sampling, both_kernels_agree_where_nothing_rounds) {
  for (const std::int64_t columns : {31, 512, 513, 2049}) {
    case_inputs in = inputs_of(sampling_of("draw", dtype::fp32, 40, columns, {1, 0, 0.5}));
    for (double& x : in.values[k_token_logits]) x = x > 0 ? 4 : k_none;
    for (double& u : in.values[k_given_u]) u = std::floor(u * 64) / 64;
    EXPECT_EQ(tokens_of(in, "block"), tokens_of(in, "naive"));
  }
}

}  // namespace
}  // namespace assay::properties
