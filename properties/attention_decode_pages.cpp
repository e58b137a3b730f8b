#include "properties/attention_decode_pages.hpp"

#include "properties/attention_shape.hpp"

#include <algorithm>

namespace assay::properties {

case_id contiguous_id(const case_id& paged) {
  case_id id = paged;
  id.variant = "decode";
  std::erase_if(id.types, [](const tensor_type& each) { return each.name == "table"; });
  const std::int64_t keys = paged.dimension("slots") * paged.dimension("page");
  id.shape = {{"batch", paged.dimension("batch")},
              {"q", paged.dimension("q")},
              {"k", keys},
              {"heads", paged.dimension("heads")},
              {"group", paged.dimension("group")},
              {"d", paged.dimension("d")}};
  for (const field& each : paged.shape)
    if (each.key == "align" || each.key == "pad" || each.key == "scale") id.shape.push_back(each);
  return id;
}

case_inputs gathered(const case_inputs& paged) {
  case_inputs in = paged;
  in.id = contiguous_id(paged.id);
  in.values.erase(in.values.begin() + k_table);
  const std::int64_t page = paged.id.dimension("page"), pages = paged.id.dimension("pages"),
                     row = paged.id.dimension("heads") * paged.id.dimension("d");
  for (const std::size_t t : {k_keys, k_values}) {
    std::vector<double>& to = in.values[t];
    to.clear();
    for (const double entry : paged.values[k_table]) {
      if (!(entry >= 0 && entry < double(pages))) {
        to.insert(to.end(), std::size_t(page * row), reference::k_nan);
        continue;
      }
      const auto from = paged.values[t].begin() + std::int64_t(entry) * page * row;
      to.insert(to.end(), from, from + page * row);
    }
  }
  return in;
}

}  // namespace assay::properties
