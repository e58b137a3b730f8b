// What the kernels of linear attention share: their problem, and phi.
#pragma once

#include "optimized/attention_rows.cuh"
#include "optimized/math/exp.cuh"

namespace assay::optimized::inline ASSAY_BUILD {

// Everything that a kernel of linear attention is given.
template <class T>
struct linear_attention_problem {
  head_rows<const T> q, k, v;
  head_rows<T> o;
  attention_size size;
  batch_mask mask;
};

// phi(x) = elu(x) + 1.
SIMT_DEVICE float linear_feature(float x) { return x > 0.0f ? x + 1.0f : math::exp(x); }

// The mean of which these are the sums. Where every weight is 0 there is none, and it is 0.
SIMT_DEVICE float linear_mean(float products, float weights) {
  return weights == 0.0f ? 0.0f : products / weights;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
