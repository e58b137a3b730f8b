// The tensors of layer norm's functions, by what they are for.
//
//   forward    x, [residual,] gamma, beta; [sum,] y, mean, rstd
//   backward   dy, x, gamma, mean, rstd[, dsum]; dx, dgamma, dbeta
#pragma once

#include "properties/model.hpp"
#include "properties/values.hpp"
#include "reference/layer_norm.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace assay::properties {

struct layer_norm_variant {
  std::string name, formula, slope_formula;
  bool residual = false;
};

struct matrix_shape {
  std::int64_t rows = 0, length = 0;

  static matrix_shape of(const case_id& id) { return {id.dimension("rows"), id.dimension("c")}; }
  std::span<const double> row(const std::vector<double>& tensor, std::int64_t r) const {
    return std::span(tensor).subspan(std::size_t(r * length), std::size_t(length));
  }
  std::vector<double> column(const std::vector<double>& tensor, std::int64_t j) const {
    std::vector<double> all;
    for (std::int64_t r = 0; r < rows; ++r) all.push_back(tensor[std::size_t(r * length + j)]);
    return all;
  }
};

struct layer_norm_inputs {
  matrix_shape shape;
  std::vector<double> x;  // what is normalized: with a residual the sum, rounded to its dtype
  std::span<const double> gamma, beta;
  double eps;

  // (Of two numbers of at most 11 bits a sum rounded to fp32 and then to their dtype is as if
  // rounded once, since 24 >= 2 11 + 2: Figueroa, see arithmetic.hpp.)
  static layer_norm_inputs of(const case_inputs& in, bool residual) {
    layer_norm_inputs all{matrix_shape::of(in.id), in.values[0], in.values[residual ? 2 : 1],
                          in.values[residual ? 3 : 2], in.parameters[0]};
    if (residual)
      for (std::size_t i = 0; i < all.x.size(); ++i)
        all.x[i] = round_to(in.id.types[0].type, all.x[i] + in.values[1][i]);
    return all;
  }
};

struct layer_norm_gradient_inputs {
  matrix_shape shape;
  const std::vector<double>&dy, &x, &gamma, &mean, &rstd;
  const std::vector<double>* dsum;  // null: none

  static layer_norm_gradient_inputs of(const case_inputs& in, bool residual) {
    return {matrix_shape::of(in.id),
            in.values[0],
            in.values[1],
            in.values[2],
            in.values[3],
            in.values[4],
            residual ? &in.values[5] : nullptr};
  }
  reference::row_statistics<double> statistics(std::int64_t r) const {
    return {mean[std::size_t(r)], rstd[std::size_t(r)]};
  }
};

}  // namespace assay::properties
