#include "properties/embedding_shape.hpp"

namespace assay::properties {

embedding_shape embedding_shape::of(const case_id& id) {
  return {id.dimension("batch"), id.dimension("t"), id.dimension("v"), id.dimension("positions"),
          id.dimension("c")};
}

std::vector<std::int64_t> embedding_ids(const case_inputs& in) {
  const std::vector<double>& ids =
      in.values[is_forward(in.id) ? k_embedding_forward.ids : k_embedding_backward.ids];
  return {ids.begin(), ids.end()};
}

std::vector<std::int64_t> embedding_places(const case_inputs& in) {
  const embedding_shape shape = embedding_shape::of(in.id);
  if (!goes_on(in.id)) return reference::position_ids(shape.batch, shape.length);
  const std::vector<double>& lengths = in.values[k_embedding_lengths];
  return reference::position_ids_behind(std::vector<std::int64_t>(lengths.begin(), lengths.end()),
                                        shape.length);
}

}  // namespace assay::properties
