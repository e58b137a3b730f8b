// A linear layer in a case: its variants, sizes, and the products that its outputs are.
//
//   forward   x [rows, in], w, b [out], r [rows, out] -> y [rows, out], pre as y
//   backward  x, w, dy as y -> dx as x, dw as w, db [out]
#pragma once

#include "properties/model.hpp"
#include "reference/gelu.hpp"
#include "reference/linear.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace assay::properties {

struct linear_variant {
  std::string name, formula;
  bool turned = false;  // w is [out, in]
  bool biased = true;
  bool residual = false;
  std::optional<reference::gelu_form> gelu = {};
  // Has a backward pass of its own. (The gradients of a layer with a GELU behind it are GELU's, of
  // pre, and then those of `bias`; those of one with a residual are those of `bias`, and dr = dy.)
  bool backward = false;
};
const std::vector<linear_variant>& linear_variants();
const linear_variant& linear_variant_of(const case_id& id);

struct linear_shape {
  std::int64_t rows = 0, in = 0, out = 0;
  static linear_shape of(const case_id& id) {
    return {id.dimension("rows"), id.dimension("in"), id.dimension("out")};
  }
};

inline bool is_forward(const case_id& id) { return id.direction == "fwd"; }

// An output, or what it is made of: the products of the rows of one matrix with the columns of
// another, plus a vector to each row and a matrix, where there are such. Sums of the columns of a
// matrix are the products with a row of ones, which a kernel does not multiply with.
struct linear_sums {
  reference::matrix_view<double> left, right;
  std::span<const double> row = {}, all = {};
  bool of_columns = false;

  std::int64_t elements() const { return left.rows * right.columns; }
};

// Of a case's inputs, which must outlive them: one for y (and pre), or one for each of dx, dw, db.
std::vector<linear_sums> sums_of(const linear_variant& of, const case_inputs& in);

// Inputs in the contract's order.
namespace linear_inputs {
inline constexpr std::size_t k_x = 0, k_w = 1, k_b = 2, k_r = 3, k_dy = 2;
}

}  // namespace assay::properties
