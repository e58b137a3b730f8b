// What the kernels of linear layers state of themselves: orders, promises, bytes moved.
#pragma once

#include "properties/contract.hpp"
#include "properties/linear_layer.hpp"

namespace assay::properties {

std::vector<implementation> linear_implementations(const linear_variant& of, bool forward);

// Bytes of global memory that a product moves, without what is made of its sums (tile: 0, each
// output its own row and column; 64 or 128). On tensor cores with parts of chunks, where those are
// apart.
double product_traffic(double rows, double inner, double columns, double size, int tile);
double mma_product_traffic(std::int64_t rows, std::int64_t inner, std::int64_t columns, double size,
                           int tile);

}  // namespace assay::properties
