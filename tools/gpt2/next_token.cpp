#include "tools/gpt2/next_token.hpp"

#include "properties/bad_input.hpp"
#include "properties/philox.hpp"

namespace assay::gpt2 {

std::int64_t next_token(std::span<const double> logits, const sampling_options& how,
                        std::uint32_t sequence, std::int64_t position) {
  const auto none = [&] {
    return bad_input("no token can follow at position {}: a logit is no number, or none is finite",
                     position);
  };
  if (how.greedy || how.by.temperature == 0) {
    const auto token = reference::greedy_token(logits);
    if (!token) throw none();
    return *token;
  }
  const std::vector<double> kept = reference::kept_weights(logits, how.by);
  if (kept.empty()) throw none();
  properties::element_stream draws(how.seed, sequence, std::uint64_t(position));
  return reference::drawn_token(std::span<const double>(kept), draws.uniform());
}

}  // namespace assay::gpt2
