#include "properties/attention_map.hpp"

#include <algorithm>

namespace assay::properties {
namespace {

// The key with the largest score; the first one seen where scores are no numbers.
std::int64_t heaviest_key(const seen_row& row, double scale) {
  const std::vector<double> scores = reference::attention_scores(row.q, row.keys, scale);
  if (scores.empty()) return -1;
  return row.range.first + (std::max_element(scores.begin(), scores.end()) - scores.begin());
}

}  // namespace

element_map attention_map(const attention_variant& of) {
  return {"q", "k", [of](const case_inputs& in, std::size_t output) {
            const attention_shape shape = attention_shape::of(in.id);
            const double scale = scale_of(in).value;
            const std::int64_t width = output == 0 ? shape.width : 1;
            std::vector<map_place> places(std::size_t(shape.rows() * width));
            for (std::int64_t r = 0; r < shape.rows(); ++r) {
              const seen_row row = seen_by(of, shape, in, r);
              const std::int64_t first = output == 0 ? r * width : shape.lse_at(row.at);
              std::fill_n(places.begin() + first, width,
                          map_place{row.at.query, heaviest_key(row, scale)});
            }
            return places;
          }};
}

}  // namespace assay::properties
