#include "tools/gpt2/next_token.hpp"

#include "properties/philox.hpp"

namespace assay::gpt2 {

std::int64_t next_token(std::span<const double> logits, const sampling_options& how,
                        std::uint32_t sequence, std::int64_t position) {
  if (how.is_greedy()) {
    const auto token = reference::greedy_token(logits);
    if (!token) throw no_token_at(position);
    return *token;
  }
  const std::vector<double> kept = reference::kept_weights(logits, how.by);
  if (kept.empty()) throw no_token_at(position);
  properties::element_stream draws(how.seed, sequence, std::uint64_t(position));
  return reference::drawn_token(std::span<const double>(kept), draws.uniform());
}

std::vector<std::int64_t> next_tokens(std::span<const double> logits, std::int64_t batch,
                                      const sampling_options& how, std::int64_t position) {
  const std::size_t width = logits.size() / std::size_t(batch);
  std::vector<std::int64_t> all;
  for (std::int64_t b = 0; b < batch; ++b)
    all.push_back(
        next_token(logits.subspan(std::size_t(b) * width, width), how, std::uint32_t(b), position));
  return all;
}

bad_input no_token_at(std::int64_t position) {
  return bad_input("no token can follow at position {}: a logit is no number, or none is finite",
                   position);
}

}  // namespace assay::gpt2
