// What a raw call means: scores [matrices, queries, keys], and as many results, which may lie where
// the scores do. Rows may have strides, the same ones in place.
#include "optimized/causal_mask.cuh"
#include "optimized/check_call.cuh"
#include "optimized/launcher.hpp"
#include "optimized/row_call.cuh"

namespace assay::optimized::inline ASSAY_BUILD {
namespace {

constexpr call_signature k_causal_mask{"causal_mask", 2};

bool is_in_place(const call& what) {
  if (what.tensors[0].data != what.tensors[1].data) return false;
  if (detail::row_stride(k_causal_mask, what, 0) != detail::row_stride(k_causal_mask, what, 1))
    detail::refuse(1, "lies where tensor 0 does, with other strides", "the same ones",
                   k_causal_mask.name);
  return true;
}

void check(const call& what) {
  detail::check_counts(k_causal_mask, what);
  detail::check_floating(k_causal_mask, what);
  detail::check_rank(what, 0, 3, k_causal_mask.name);
  const tensor& scores = what.tensors[0];
  for (std::size_t i = 0; i < what.tensors.size(); ++i) {
    detail::check_shape(k_causal_mask, what, i, scores.shape);
    detail::check_tensor(k_causal_mask, what, i, scores.type, scores.elements());
    detail::row_stride(k_causal_mask, what, i);
  }
}

softmax_rows rows_of(const std::vector<std::int64_t>& shape) {
  softmax_rows rows;
  rows.count = shape[0] * shape[1];
  rows.length = shape[2];
  rows.queries = shape[1];
  rows.causal = true;
  rows.ahead = shape[2] - shape[1];
  return rows;
}

// A call in one dtype.
template <class T>
struct mask_call {
  const call& what;
  simt::queue& stream;
  softmax_rows rows = rows_of(what.tensors[0].shape);
  matrix_rows<const T> x = detail::rows_of<const T>(k_causal_mask, what, 0);
  matrix_rows<T> y = detail::rows_of<T>(k_causal_mask, what, 1);

  // A thread for each of so many parts of every row.
  template <class Kernel, class... Arguments>
  void launch(Kernel kernel, std::int64_t parts, const Arguments&... arguments) const {
    const std::int64_t blocks = (rows.count * parts + k_mask_threads - 1) / k_mask_threads;
    simt::launch(kernel, grid_of(k_causal_mask, what, blocks), dim3(k_mask_threads), 0, stream,
                 arguments...);
  }
};

struct by_elements {
  template <class T>
  static void run(const mask_call<T>& c) {
    c.launch(causal_mask_elements<T>, c.rows.length, c.x, c.y, c.rows);
  }
};

struct by_words {
  template <class T>
  static void run(const mask_call<T>& c) {
    if (detail::takes_words<T>(k_causal_mask, c.what))
      run_with<T, 16>(c);
    else
      run_with<T, int(sizeof(T))>(c);
  }

 private:
  template <class T, int Bytes>
  static void run_with(const mask_call<T>& c) {
    const std::int64_t words = (c.rows.length + k_row_group<T> - 1) / k_row_group<T>;
    if (is_in_place(c.what))
      c.launch(causal_mask_hidden_words<T, Bytes>, words, c.y, c.rows, words);
    else
      c.launch(causal_mask_words<T, Bytes>, words, c.x, c.y, c.rows, words);
  }
};

template <class How>
void launch(const call& what, simt::queue& stream) {
  check(what);
  is_in_place(what);  // refuses one matrix under two strides
  const tensor& scores = what.tensors[0];
  if (scores.elements() == 0) return;
  if (scores.type == dtype::fp32) return How::run(mask_call<float>{what, stream});
  if (scores.type == dtype::bf16) return How::run(mask_call<simt::bf16>{what, stream});
  How::run(mask_call<simt::fp16>{what, stream});
}

}  // namespace

std::span<const launcher> causal_mask_launchers() {
  static constexpr launcher k_all[] = {
      {"causal_mask.fill.fwd", "elements", launch<by_elements>},
      {"causal_mask.fill.fwd", "words", launch<by_words>},
  };
  return k_all;
}

}  // namespace assay::optimized::inline ASSAY_BUILD
