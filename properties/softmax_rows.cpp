#include "properties/softmax_rows.hpp"

#include "properties/contract.hpp"

#include <algorithm>

namespace assay::properties {
namespace {

constexpr const char* k_lengths = "lengths";

std::size_t place_of_lengths(const case_id& id) {
  const auto at = std::find_if(id.types.begin(), id.types.end(),
                               [](const tensor_type& each) { return each.name == k_lengths; });
  return std::size_t(at - id.types.begin());
}

}  // namespace

std::int64_t score_rows::visible(std::int64_t row) const {
  std::int64_t seen = length;
  if (causal) seen = row % queries + 1 + length - queries;
  if (!lengths.empty()) seen = std::int64_t(lengths[std::size_t(row / queries)]);
  return std::clamp<std::int64_t>(seen, 0, length);
}

double score_rows::visible_scores() const {
  double all = 0;
  for (std::int64_t r = 0; r < count; ++r) all += double(visible(r));
  return all;
}

double score_rows::masked_share() const {
  const double all = double(count) * double(length);
  return all > 0 ? 1 - visible_scores() / all : 0;
}

std::span<const double> score_rows::seen(const std::vector<double>& tensor,
                                         std::int64_t row) const {
  return std::span(tensor).subspan(std::size_t(row * length), std::size_t(visible(row)));
}

std::span<const double> score_rows::mask(const std::vector<double>& tensor,
                                         std::int64_t row) const {
  return std::span(tensor).subspan(std::size_t(row % queries * length), std::size_t(visible(row)));
}

score_rows score_rows::shape_of(const case_id& id) {
  if (!contains(id.shape, "q")) return {id.dimension("rows"), id.dimension("n")};
  const std::int64_t queries = id.dimension("q");
  return {id.dimension("batch") * queries, id.dimension("k"), queries, id.variant == "causal"};
}

score_rows score_rows::of(const case_inputs& in) {
  score_rows rows = shape_of(in.id);
  const std::size_t at = place_of_lengths(in.id);
  if (at < in.values.size()) rows.lengths = in.values[at];
  return rows;
}

score_rows score_rows::drawn_by(const case_id& id) {
  score_rows rows = shape_of(id);
  const std::size_t at = place_of_lengths(id);
  if (at < id.types.size()) rows.lengths = drawn_input(contract_of(id), id, at);
  return rows;
}

}  // namespace assay::properties
