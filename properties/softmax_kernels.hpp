// The kernels of optimized/softmax_launcher.cuh as softmax's contracts know them: what each does
// with a row, which rows it takes, what it moves.
#pragma once

#include "properties/case.hpp"
#include "properties/softmax_model.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace assay::properties {

struct row_kernel {
  std::string name, about;
  std::int64_t threads = 0;  // of a row or a chunk; 0: as the row's length wants
  bool chunks = false, naive = false;
};

// All of them, forward or backward.
const std::vector<row_kernel>& softmax_kernels(bool forward);

// The order of its sums over rows of this length.
row_order order_for(const row_kernel& kernel, dtype type, std::int64_t length);

// Why a kernel does not take rows of this length, or nothing.
std::string declined(const row_kernel& kernel, const case_id& id);

// Bytes that a kernel moves: a naive one reads what is seen once for each of its passes; a chunked
// one twice, and every block of a row the partial sums of all of its chunks. An added mask is read
// as often as its scores; the length of a matrix by every thread at one of its rows.
double traffic_of(const row_kernel& kernel, bool forward, const case_id& id);

}  // namespace assay::properties
