#include "properties/sampling_rows.hpp"

#include "properties/philox.hpp"
#include "reference/mpfr_real.hpp"

namespace assay::properties {
namespace {

// At 960 bits e^x has 2^-956 of itself for an error, and u times a sum lies that close to a partial
// sum only where both are whole numbers: then they have none (reference/sampling.hpp).
template <reference::real R>
std::vector<double> tokens_of(const case_inputs& in) {
  const sampling_rows rows = sampling_rows::of(in);
  reference::sampling_settings<R> by{R(rows.by.temperature), rows.by.top_k, R(rows.by.top_p)};
  std::vector<double> tokens;
  for (std::int64_t r = 0; r < rows.rows; ++r) {
    const auto given = rows.logits(in, r);
    const std::vector<R> logits(given.begin(), given.end());
    const auto greedy = reference::greedy_token(std::span<const R>(logits));
    const double u = rows.draws ? rows.u(in, r) : 0;
    if (!greedy || !draws_a_token(u)) {
      tokens.push_back(k_no_token);
    } else if (rows.by.temperature == 0) {
      tokens.push_back(double(*greedy));
    } else {
      const std::vector<R> kept = reference::kept_weights(std::span<const R>(logits), by);
      tokens.push_back(double(reference::drawn_token(std::span<const R>(kept), R(u))));
    }
  }
  return tokens;
}

}  // namespace

sampling_rows sampling_rows::of(const case_inputs& in) {
  sampling_rows of{in.id.dimension("rows"), in.id.dimension("v"), in.id.variant != "greedy",
                   in.id.variant == "next"};
  of.by.temperature = 0;
  if (of.draws) of.by = {in.parameters[0], std::int64_t(in.parameters[1]), in.parameters[2]};
  return of;
}

std::span<const double> sampling_rows::logits(const case_inputs& in, std::int64_t row) const {
  return std::span(in.values[k_token_logits])
      .subspan(std::size_t(row * columns), std::size_t(columns));
}

double sampling_rows::u(const case_inputs& in, std::int64_t row) const {
  const auto at = std::size_t(row);
  if (!by_seed) return in.values[k_given_u][at];
  const auto sequence = std::uint32_t(std::int32_t(in.values[k_sequences][at])),
             position = std::uint32_t(std::int32_t(in.values[k_positions][at]));
  return element_stream(std::uint64_t(in.parameters[3]), sequence, position).uniform();
}

std::vector<double> next_tokens(const case_inputs& in) { return tokens_of<double>(in); }

std::vector<double> next_tokens_precisely(const case_inputs& in) {
  return tokens_of<reference::mpfr_real<960>>(in);
}

}  // namespace assay::properties
