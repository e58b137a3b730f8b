// assay run attention, on files as a person would write them, against a computation of its own.

#include "optimized/math/accuracy.hpp"
#include "tools/assay/test/run_command.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

namespace assay::tools::test {
namespace {

using namespace properties;

// Sizes of q [batch, q, heads, group, d] and of k and v [batch, k, heads, d].
struct sizes {
  std::int64_t batch = 2, q = 5, k = 9, heads = 2, group = 2, d = 4;

  std::vector<std::int64_t> queries() const { return {batch, q, heads, group, d}; }
  std::vector<std::int64_t> keys() const { return {batch, k, heads, d}; }
};

// Eighths from -2 to 2: products of two and sums of such are exact in double.
std::vector<double> eighths(std::int64_t count, int step) {
  std::vector<double> all;
  for (std::int64_t i = 0; i < count; ++i) all.push_back(double(i * step % 33 - 16) / 8);
  return all;
}

struct attention_inputs {
  sizes size;
  std::vector<double> q, k, v, lengths, slopes, bias, live;

  // Slopes of 1/4 and 1/2; of biases one in 11 is -infinity; one block, which is live.
  explicit attention_inputs(const sizes& of)
      : size(of),
        q(eighths(of.batch * of.q * of.heads * of.group * of.d, 7)),
        k(eighths(of.batch * of.k * of.heads * of.d, 5)),
        v(eighths(of.batch * of.k * of.heads * of.d, 13)),
        bias(eighths(of.heads * of.group * of.q * of.k, 3)),
        live{1} {
    for (std::int64_t h = 0; h < of.heads * of.group; ++h)
      slopes.push_back(0.25 * double(1 + h % 2));
    for (std::size_t i = 0; i < bias.size(); i += 11) bias[i] = -INFINITY;
  }
};

// A pair of a query and a key: its batch, its head of queries, and the key that the query stands
// over.
struct pair_at {
  std::int64_t batch, head, query, own, key;
};
struct mask {
  const char* variant;
  std::vector<std::string> parameters;
  // What its score is given; -infinity: the query does not see the key.
  double (*added)(const attention_inputs& in, const pair_at& at);
  const char* fourth = nullptr;  // input
};
double seen_if(bool sees) { return sees ? 0 : -INFINITY; }

const std::vector<mask> k_masks = {
    {"dense", {}, [](const attention_inputs&, const pair_at&) { return 0.0; }},
    {"causal",
     {},
     [](const attention_inputs&, const pair_at& at) { return seen_if(at.key <= at.own); }},
    {"window",
     {"--param", "left=2", "--param", "right=1"},
     [](const attention_inputs&, const pair_at& at) {
       return seen_if(at.key >= at.own - 2 && at.key <= at.own + 1);
     }},
    {"padding",
     {},
     [](const attention_inputs& in, const pair_at& at) {
       return seen_if(double(at.key) < in.lengths[std::size_t(at.batch)]);
     },
     "lengths"},
    {"alibi",
     {},
     [](const attention_inputs& in, const pair_at& at) {
       const double loss = in.slopes[std::size_t(at.head)] * double(at.own - at.key);
       return at.key <= at.own ? -loss : -INFINITY;
     },
     "slopes"},
    {"bias",
     {},
     [](const attention_inputs& in, const pair_at& at) {
       return in.bias[std::size_t((at.head * in.size.q + at.query) * in.size.k + at.key)];
     },
     "bias"},
    {"blocks",
     {"--param", "causal=1"},
     [](const attention_inputs& in, const pair_at& at) {
       return seen_if(in.live[0] != 0 && at.key <= at.own);
     },
     "live"},
};

std::vector<stored_tensor> tensors_of(const attention_inputs& in, const mask& by, dtype type) {
  const sizes& n = in.size;
  std::vector<stored_tensor> all = {tensor("q", type, n.queries(), in.q),
                                    tensor("k", type, n.keys(), in.k),
                                    tensor("v", type, n.keys(), in.v)};
  const std::string fourth = by.fourth ? by.fourth : "";
  if (fourth == "lengths") all.push_back(tensor(fourth, dtype::int32, {n.batch}, in.lengths));
  if (fourth == "slopes") all.push_back(tensor(fourth, dtype::fp32, {n.heads, n.group}, in.slopes));
  if (fourth == "bias") all.push_back(tensor(fourth, type, {n.heads, n.group, n.q, n.k}, in.bias));
  if (fourth == "live") all.push_back(tensor(fourth, dtype::int32, {1, 1}, in.live));
  return all;
}

const mask& mask_of(const std::string& variant) {
  return *std::find_if(k_masks.begin(), k_masks.end(),
                       [&](const mask& each) { return each.variant == variant; });
}

// A row as the formula has it, in long double.
struct plain_row {
  std::vector<long double> o;
  long double lse = -INFINITY;
  std::int64_t seen = 0;
};
plain_row row_of(const attention_inputs& in, const mask& by, std::int64_t b, std::int64_t i,
                 std::int64_t h, std::int64_t g, long double scale) {
  const sizes& n = in.size;
  const auto number = [](const std::vector<double>& all, std::int64_t at) {
    return static_cast<long double>(all[std::size_t(at)]);
  };
  plain_row row{std::vector<long double>(std::size_t(n.d))};
  long double sum = 0;
  for (std::int64_t j = 0; j < n.k; ++j) {
    const double added = by.added(in, {b, h * n.group + g, i, i + n.k - n.q, j});
    if (added == -INFINITY) continue;
    const std::int64_t key = ((b * n.k + j) * n.heads + h) * n.d,
                       query = (((b * n.q + i) * n.heads + h) * n.group + g) * n.d;
    long double score = 0;
    for (std::int64_t d = 0; d < n.d; ++d) score += number(in.q, query + d) * number(in.k, key + d);
    const long double weight = std::exp(scale * score + added);
    sum += weight;
    for (std::int64_t d = 0; d < n.d; ++d) row.o[std::size_t(d)] += weight * number(in.v, key + d);
    ++row.seen;
  }
  if (row.seen == 0) return row;
  for (long double& each : row.o) each /= sum;
  row.lse = std::log(sum);
  return row;
}

// Calls take(row, index of its first output, index of its lse) for every row.
template <class Take>
void for_rows(const attention_inputs& in, const mask& by, long double scale, const Take& take) {
  const sizes& n = in.size;
  std::size_t at = 0;
  for (std::int64_t b = 0; b < n.batch; ++b)
    for (std::int64_t i = 0; i < n.q; ++i)
      for (std::int64_t h = 0; h < n.heads; ++h)
        for (std::int64_t g = 0; g < n.group; ++g, ++at)
          take(row_of(in, by, b, i, h, g, scale), at * std::size_t(n.d),
               std::size_t(((b * n.heads + h) * n.group + g) * n.q + i));
}

// With d = 4 the scale is 1/2, and scores are exact, at most 8 in magnitude, and 4 more by a bias.
// What is left are the roundings of 9 weights, their sum, products and quotient: at most 2 x 9 + 2
// x 16 + 16 of 2^-53 of the largest value (2), or of the largest lse (12 + log 9), in the
// reference; long double's are less than one more.
constexpr double k_off = (2 * 9 + 2 * 16 + 16 + 1) * 0x1p-53;

TEST_F(run, gives_attentions_truth_under_every_mask) {
  attention_inputs in{sizes{}};
  in.lengths = {4, 0};
  for (const mask& by : k_masks)
    for (const dtype type : {dtype::fp32, dtype::bf16, dtype::fp16}) {
      SCOPED_TRACE(by.variant + std::string(" ") + std::string(name_of(type)));
      const std::string function = std::string("attention.") + by.variant + ".fwd";
      give(tensors_of(in, by, type));
      std::vector<std::string> more = by.parameters;
      ASSERT_EQ(run_on("reference", function, more).code, 0);
      const tensor_file rounded = result();
      more.emplace_back("--unrounded");
      ASSERT_EQ(run_on("reference", function, more).code, 0);
      const std::vector<double> o = values(result().at("o")), lse = values(result().at("lse"));
      EXPECT_EQ(result().at("o").shape, in.size.queries());
      EXPECT_EQ(result().at("lse").shape, (std::vector<std::int64_t>{2, 2, 2, 5}));
      for_rows(in, by, 0.5L, [&](const plain_row& row, std::size_t first, std::size_t at) {
        for (std::size_t d = 0; d < row.o.size(); ++d)
          EXPECT_LE(std::abs(double(o[first + d] - row.o[d])), 2 * k_off) << first + d;
        if (row.seen == 0)
          EXPECT_EQ(lse[at], -INFINITY);
        else
          EXPECT_LE(std::abs(double(lse[at] - row.lse)), (12 + std::log(9)) * k_off) << at;
      });
      EXPECT_EQ(rounded.at("o").type, type);
      EXPECT_EQ(rounded.at("lse").type, dtype::fp32);
      for (std::size_t i = 0; i < o.size(); ++i)
        EXPECT_EQ(values(rounded.at("o"))[i], round_to(type, o[i]));
      for (std::size_t i = 0; i < lse.size(); ++i)
        EXPECT_EQ(values(rounded.at("lse"))[i], round_to(dtype::fp32, lse[i]));
    }
}

// Where all scores are 0 and 1, 2, 4 or 8 keys are seen, every kernel's mean of eighths is exact,
// and its lse is what log1p makes of their number less 1.
TEST_F(run, gives_means_by_every_kernel_of_attention_under_every_mask) {
  attention_inputs in{sizes{.q = 8, .k = 8, .d = 32}};
  std::fill(in.q.begin(), in.q.end(), 0);
  std::fill(in.slopes.begin(), in.slopes.end(), 0);
  for (double& each : in.bias) each = seen_if(each > 0);
  in.lengths = {4, 0};
  struct kernel {
    const char* name;
    dtype type;
  };
  for (const kernel& each : {kernel{"naive", dtype::fp32}, kernel{"naive", dtype::bf16},
                             kernel{"flash_simple", dtype::fp32}, kernel{"flash_mma", dtype::bf16},
                             kernel{"flash_mma", dtype::fp16}})
    for (const mask& by : k_masks) {
      SCOPED_TRACE(by.variant + std::string(" ") + each.name);
      give(tensors_of(in, by, each.type));
      std::vector<std::string> more = by.parameters;
      more.insert(more.end(), {"--impl", each.name});
      const ended told = run_on("emulator", std::string("attention.") + by.variant + ".fwd", more);
      ASSERT_EQ(told.code, 0) << told.err;
      EXPECT_EQ(result().metadata.at("implementation"), each.name);
      const std::vector<double> o = values(result().at("o")), lse = values(result().at("lse"));
      for_rows(in, by, 1, [&](const plain_row& row, std::size_t first, std::size_t at) {
        if (row.seen == 0) {
          EXPECT_EQ(lse[at], -INFINITY);
        }
        if ((row.seen & (row.seen - 1)) != 0) return;
        for (std::size_t d = 0; d < row.o.size(); ++d)
          EXPECT_EQ(o[first + d], round_to(each.type, double(row.o[d]))) << first + d;
        if (row.seen == 0) return;
        const double exact = std::log(double(row.seen));
        EXPECT_LE(std::abs(lse[at] - exact),
                  optimized::k_log1p_ulps * reference::ulp(reference::k_fp32, exact))
            << at;
      });
    }
}

TEST_F(run, tells_what_attention_needs_and_what_a_kernel_does_not_take) {
  attention_inputs in{sizes{}};
  in.lengths = {4, 0};
  const mask &dense = mask_of("dense"), &padding = mask_of("padding");
  const auto without = [&](const std::string& name) {
    std::vector<stored_tensor> some = tensors_of(in, padding, dtype::fp32);
    std::erase_if(some, [&](const stored_tensor& t) { return t.name == name; });
    return some;
  };
  give(without("lengths"));
  expect_refused(run_on("reference", "attention.padding.fwd"),
                 "there is no tensor 'lengths'; there are: ");
  expect_refused(run_on("reference", "attention.window.fwd", {"--param", "left=1.5"}),
                 "left=1.5 is not an integer");
  expect_refused(run_on("emulator", "attention.dense.fwd", {"--impl", "flash_mma"}),
                 "'flash_mma' does not take these tensors: takes bf16 and fp16");
  expect_refused(run_on("reference", "attention"), "there are: attention.dense.fwd, ");
  std::vector<stored_tensor> flat = without("lengths");
  flat[0].shape = {2, 5, 4, 4};
  give(flat);
  expect_refused(run_on("reference", "attention.dense.fwd"),
                 "'q' has rank 4; attention.dense.fwd expects 5: [batch, q, heads, group, d]");
  std::vector<stored_tensor> short_keys = without("lengths");
  short_keys[1] = tensor("k", dtype::fp32, {2, 8, 2, 4}, eighths(128, 5));
  give(short_keys);
  expect_refused(run_on("reference", "attention.dense.fwd"), "'v' has k = 9, and 8 elsewhere");
  std::vector<stored_tensor> mixed = without("lengths");
  mixed[2] = tensor("v", dtype::bf16, in.size.keys(), in.v);
  give(mixed);
  expect_refused(run_on("reference", "attention.dense.fwd"),
                 "attention.dense.fwd does not take inputs of fp32, fp32, bf16");
  give(tensors_of(in, padding, dtype::fp32));
  expect_refused(run_on("reference", "attention.dense.fwd"),
                 "takes no tensor 'lengths'; expected q, k, v");
  give(tensors_of(in, dense, dtype::bf16));
  expect_refused(run_on("emulator", "attention.dense.fwd", {"--impl", "flash_mma"}),
                 "heads of 4; takes those of 32, 64, 96 and 128");
  std::vector<stored_tensor> blocks = tensors_of(in, mask_of("blocks"), dtype::fp32);
  blocks[3] = tensor("live", dtype::int32, {1, 2}, {1, 1});
  give(blocks);
  expect_refused(run_on("reference", "attention.blocks.fwd"),
                 "'live' has k/64 = 2, and k = 9 makes 1");
}

}  // namespace
}  // namespace assay::tools::test
