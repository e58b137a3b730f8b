#include "properties/sampling_numerics.hpp"

#include "properties/choices.hpp"
#include "properties/sampling_model.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

namespace assay::properties {
namespace {

// optimized/staged_part.cuh
constexpr std::int64_t k_threads = 512, k_warps = 16, k_staged_bytes = 104 * 1024;

class sampling_model final : public choosing_model {
 public:
  explicit sampling_model(sampling_sums sums) : sums_(sums) {}

  std::vector<std::vector<std::int64_t>> open(const case_inputs& in) const override {
    return open_around(in, next_tokens(in));
  }
  // As far from the truth as what is open.
  model_outputs<running> follow(const case_inputs& in, charge) const override {
    const std::vector<double> tokens = next_tokens(in);
    const auto open = open_around(in, tokens);
    model_outputs<running> out(1);
    for (std::size_t r = 0; r < tokens.size(); ++r) {
      const double off =
          std::max(tokens[r] - double(open[r].front()), double(open[r].back()) - tokens[r]);
      out[0].push_back({tokens[r], std::max(off, 0.0), std::max(off, 0.0)});
    }
    return out;
  }
  model_outputs<concrete> compute(const case_inputs& in, function_errors) const override {
    model_outputs<concrete> out(1);
    for (const double token : next_tokens(in)) out[0].push_back(concrete::exact(token));
    return out;
  }
  reference::format accumulates_in() const override { return reference::k_fp32; }

 private:
  std::vector<std::vector<std::int64_t>> open_around(const case_inputs& in,
                                                     const std::vector<double>& tokens) const {
    const sampling_rows rows = sampling_rows::of(in);
    std::vector<std::vector<std::int64_t>> all;
    for (std::int64_t r = 0; r < rows.rows; ++r) {
      const double token = tokens[std::size_t(r)];
      if (rows.by.temperature == 0 || token == k_no_token)
        all.push_back({std::int64_t(token)});
      else
        all.push_back(open_tokens(rows.logits(in, r), rows.by, rows.u(in, r), sums_));
    }
    return all;
  }

  sampling_sums sums_;
};

// Columns that a block reads to find the token: those of the warps' shares, 32 at a time, from the
// one's that holds it on.
double columns_of_search(const sampling_rows& rows, double token) {
  const std::int64_t each = (rows.columns + k_threads - 1) / k_threads * 32,
                     at = std::int64_t(token), first = at / each * each,
                     last = std::min(
                         {first + (at - first) / 32 * 32 + 32, first + each, rows.columns});
  static_assert(k_threads == 32 * k_warps);
  return double(last - first);
}

// Of a row with a token: how many logits are read.
double block_reads(const sampling_rows& rows, std::int64_t size, double token) {
  const auto columns = double(rows.columns);
  if (rows.columns * size <= k_staged_bytes) return columns;
  if (!rows.draws || token == k_no_token) return columns;
  const bool share = rows.limits_share() || rows.by.temperature == 0;
  // The largest; top-k by digits; the total, top-p by digits, ties; the sum; the search.
  double passes = 1 + (rows.limits_count() ? 4 : 0) + 1;
  if (share) passes += 1 + 4 + 1;
  return passes * columns + columns_of_search(rows, token);
}

double naive_reads(const sampling_rows& rows, double token) {
  const auto columns = double(rows.columns);
  if (!rows.draws || token == k_no_token) return columns;
  const bool share = rows.limits_share() || rows.by.temperature == 0;
  // The largest; top-k by bits; the total, top-p by bits, what lies above; the sum; the search.
  double passes = 1 + (rows.limits_count() ? 32 : 0) + 1;
  if (share) passes += 1 + 32 + 1;
  return passes * columns + token + 1;
}

// Logits, tokens written, and what draws a row's, by every thread that works on the row.
double traffic_of(sampling_sums sums, const case_id& id) {
  const case_inputs in = make_inputs(contract_of(id), id);
  const sampling_rows rows = sampling_rows::of(in);
  const auto size = std::int64_t(size_of(id.types[k_token_logits].type));
  const bool block = sums == sampling_sums::exact;
  const double drawn_by = rows.by_seed ? 8 : rows.draws ? 4 : 0;
  double bytes = double(rows.rows) * (4 + drawn_by * (block ? double(k_threads) : 1));
  for (const double token : next_tokens(in))
    bytes += double(size) * (block ? block_reads(rows, size, token) : naive_reads(rows, token));
  return bytes;
}

implementation implementation_of(sampling_sums sums, bool draws) {
  implementation it;
  const bool block = sums == sampling_sums::exact;
  it.name = block ? "block" : "naive";
  it.about = block ? "a block a row, in shared memory where it fits; by digits of 8 bits"
                   : "a thread a row, as it is written; by bisection";
  it.numerics = !draws  ? "exact: no operation rounds"
                : block ? "fp32 exponentials, cut to multiples of 2^-40 and added up exactly"
                        : "fp32, each operation rounded; sums from the first column on";
  if (draws) {
    it.model = std::make_shared<const sampling_model>(sums);
  } else {
    it.model = make_model([](const auto& a, const case_inputs& in) {
      using arithmetic = std::decay_t<decltype(a)>;
      model_outputs<arithmetic> out(1);
      for (const double token : next_tokens(in)) out[0].push_back(arithmetic::exact(token));
      return out;
    });
  }
  it.traffic = [sums](const case_id& id) { return traffic_of(sums, id); };
  return it;
}

}  // namespace

std::vector<implementation> sampling_implementations(bool draws) {
  return {implementation_of(sampling_sums::exact, draws),
          implementation_of(sampling_sums::sequential, draws)};
}

}  // namespace assay::properties
