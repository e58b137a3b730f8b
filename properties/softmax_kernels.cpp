#include "properties/softmax_kernels.hpp"

#include "properties/softmax_rows.hpp"

#include <fmt/format.h>

#include <cmath>

namespace assay::properties {
namespace {

constexpr std::int64_t k_block_threads = 256, k_warp_row = 1024, k_block_row = 8192;

}  // namespace

row_order order_for(const row_kernel& kernel, dtype type, std::int64_t length) {
  const std::int64_t group = kernel.naive ? 1 : 16 / std::int64_t(size_of(type));
  if (kernel.naive) return {k_block_threads, 1, 0};
  if (kernel.chunks || (kernel.threads == 0 && length > k_block_row))
    return {k_block_threads, group, k_block_row};
  if (kernel.threads == 0) return {length <= k_warp_row ? 32 : k_block_threads, group, 0};
  return {kernel.threads, group, 0};
}

const std::vector<row_kernel>& softmax_kernels(bool forward) {
  static const std::vector<row_kernel> k_forward = {
      {"online", "one pass for maximum and sum; threads by the row's length", 0},
      {"online_warp", "one pass, a warp a row, the row in registers", 32},
      {"online_block", "one pass, a block a row, the row in registers", k_block_threads},
      {"online_chunks", "one pass by a block a chunk, a second for the results", k_block_threads,
       true},
      {"three_pass", "maximum, sum, results: three reads of the row", k_block_threads, false,
       true}};
  static const std::vector<row_kernel> k_backward = {
      {"one_pass", "the row read once; threads by its length", 0},
      {"one_pass_warp", "a warp a row, the row in registers", 32},
      {"one_pass_block", "a block a row, the row in registers", k_block_threads},
      {"one_pass_chunks", "a block a chunk for the sums, then the results", k_block_threads, true},
      {"two_pass", "sum, results: two reads of the rows", k_block_threads, false, true}};
  return forward ? k_forward : k_backward;
}

std::string declined(const row_kernel& kernel, const case_id& id) {
  const std::int64_t most = kernel.threads == 32 ? k_warp_row : k_block_row;
  const std::int64_t length = score_rows::shape_of(id).length;
  if (kernel.chunks || kernel.naive || kernel.threads == 0 || length <= most) return {};
  return fmt::format("'{}' takes rows of at most {} elements, not {}", kernel.name, most, length);
}

double traffic_of(const row_kernel& kernel, bool forward, const case_id& id) {
  const score_rows rows = score_rows::drawn_by(id);
  const double seen = rows.visible_scores(), all = double(rows.count) * double(rows.length),
               element = double(size_of(id.types[0].type));
  const double inputs = forward && id.variant != "additive" ? 1 : 2,
               passes = kernel.naive && forward ? 3 : 2;
  const row_order how = order_for(kernel, id.types[0].type, rows.length);
  const bool chunked = how.chunk > 0;
  const double reads = kernel.naive || chunked ? passes : 1;
  const double chunks = chunked ? std::ceil(double(rows.length) / double(k_block_row)) : 0;
  const double partials = double(rows.count) * chunks * (1 + chunks) * (forward ? 8 : 4);
  const double readers =
      rows.lengths.empty() ? 0 : double(how.threads) * (chunked ? 2 * chunks : 1);
  return (reads * inputs * seen + all) * element + partials + 4 * readers * double(rows.count);
}

}  // namespace assay::properties
