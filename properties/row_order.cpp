#include "properties/row_order.hpp"

namespace assay::properties {

order order_of(const row_order& rows) {
  const order warp{{tree{}}};
  return {{interleaved{rows.threads, rows.group}, in_chunks(k_row_warp, warp), tree{}}};
}

}  // namespace assay::properties
