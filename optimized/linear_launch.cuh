// Launches of a product (linear.cuh) and of sums of columns, by the method asked for: what the
// launchers of linear layers, and of whatever has such layers in it, are made of.
#pragma once

#include "optimized/check_call.cuh"
#include "optimized/linear_mma.cuh"
#include "optimized/linear_sums.cuh"
#include "optimized/linear_tiled.cuh"

#include <algorithm>
#include <type_traits>

namespace assay::optimized::inline ASSAY_BUILD {

//   naive    a thread an output; any dtype
//   tiled    tiles in shared memory; fp32
//   mma      tensor cores, tiles of 64 or 128; bf16 and fp16
//   mma_128  tiles of 128, whatever the size
enum class product_method { naive, tiled, mma, mma_128 };

constexpr int tile_of(product_method by) { return by == product_method::mma_128 ? 128 : 0; }
constexpr bool is_on_tensor_cores(product_method by) {
  return by == product_method::mma || by == product_method::mma_128;
}

// What a launch is part of, and where it goes.
struct product_launch {
  const call_signature& of;
  const call& what;
  simt::queue& stream;
  product_method by;
  std::byte* scratch = nullptr;  // of product_scratch bytes

  dim3 grid(std::int64_t blocks) const { return grid_of(of, what, blocks); }
  static std::int64_t blocks_of(std::int64_t work, std::int64_t each) {
    return (work + each - 1) / each;
  }
};

// Bytes of scratch memory that a product takes, and the sums of columns.
inline std::size_t product_scratch(product_method by, std::int64_t rows, std::int64_t columns,
                                   std::int64_t inner) {
  if (!is_on_tensor_cores(by)) return 0;
  const product_plan plan = plan_of(rows, columns, inner, tile_of(by));
  return std::size_t(plan.parts(rows, columns)) * sizeof(float);
}
inline std::size_t column_sums_scratch(product_method by, std::int64_t rows, std::int64_t columns) {
  if (by == product_method::naive) return 0;
  return std::size_t(column_sums_chunks(rows) * columns) * sizeof(float);
}

template <class T>
void launch_combine(const product_problem<T>& p, simt::global<const float> parts, int chunks,
                    const product_launch& in) {
  simt::launch(combine_parts<T>,
               in.grid(product_launch::blocks_of(p.rows * p.columns, k_combine_threads)),
               dim3(k_combine_threads), 0, in.stream, parts, chunks, p);
}

template <class Half, operands Form>
void launch_product_mma(const product_problem<Half>& p, const product_launch& in) {
  const product_plan plan = plan_of(p.rows, p.columns, p.inner, tile_of(in.by));
  const product_division by{plan.chunks.length, plan.apart, int(plan.row_tiles),
                            int(plan.column_tiles)};
  const std::size_t bytes = product_scratch(in.by, p.rows, p.columns, p.inner);
  const auto go = [&]<int Tile, bool Chunked>() {
    using size = product_mma_size<Tile>;
    simt::launch(product_mma<Half, Form, Tile, Chunked>, in.grid(plan.blocks()),
                 dim3(size::k_threads), size::k_shared_bytes, in.stream, p, by,
                 simt::bind<float>(in.scratch, bytes));
  };
  if (plan.tile == 64)
    go.template operator()<64, true>();
  else if (plan.chunks.count > 1)
    go.template operator()<128, true>();
  else
    go.template operator()<128, false>();
  if (plan.apart)
    launch_combine(p, simt::bind<const float>(in.scratch, bytes), plan.chunks.count, in);
}

// Nothing where there is no output.
template <operands Form, class T>
void launch_product(const product_problem<T>& p, const product_launch& in) {
  if (p.rows * p.columns == 0) return;
  const auto blocks = [](std::int64_t work, int each) {
    return product_launch::blocks_of(work, each);
  };
  if constexpr (std::is_same_v<T, float>) {
    if (in.by == product_method::tiled)
      return simt::launch(
          product_tiled<T, Form>,
          in.grid(blocks(p.rows, k_linear_tiled_tile) * blocks(p.columns, k_linear_tiled_tile)),
          dim3(k_linear_tiled_threads), 0, in.stream, p);
  } else {
    if (is_on_tensor_cores(in.by)) return launch_product_mma<T, Form>(p, in);
  }
  simt::launch(product_naive<T, Form>, in.grid(blocks(p.rows * p.columns, k_linear_naive_threads)),
               dim3(k_linear_naive_threads), 0, in.stream, p);
}

template <class T>
void launch_column_sums(const column_sums_problem<T>& p, const product_launch& in) {
  if (p.columns == 0) return;
  if (in.by == product_method::naive)
    return simt::launch(column_sums_naive<T>,
                        in.grid(product_launch::blocks_of(p.columns, k_linear_naive_threads)),
                        dim3(k_linear_naive_threads), 0, in.stream, p);
  const std::int64_t chunks = column_sums_chunks(p.rows);
  const std::size_t bytes = column_sums_scratch(in.by, p.rows, p.columns);
  simt::launch(column_sums<T>,
               in.grid(chunks * product_launch::blocks_of(p.columns, k_column_sums_columns)),
               dim3(k_column_sums_threads), 0, in.stream, p, simt::bind<float>(in.scratch, bytes));
  product_problem<T> sums;
  sums.y = p.to;
  sums.rows = 1, sums.columns = p.columns, sums.y_row = p.columns;
  launch_combine(sums, simt::bind<const float>(in.scratch, bytes), int(chunks), in);
}

// Throws where a method does not take a dtype.
inline void check_method(const call_signature& of, const call& what, product_method by) {
  const dtype type = what.tensors[0].type;
  if (by == product_method::tiled && type != dtype::fp32)
    detail::refuse(0, "is " + std::string(name_of(type)), "fp32", of.name);
  if (is_on_tensor_cores(by) && type == dtype::fp32)
    detail::refuse(0, "is fp32", "bf16 or fp16", of.name);
}

}  // namespace assay::optimized::inline ASSAY_BUILD
