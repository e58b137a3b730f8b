// The order in which an implementation adds up many terms, and the sum in that order in any
// arithmetic of arithmetic.hpp. An order is a list of levels; each turns a row of terms into a
// shorter row, the last into one value. A kernel declares, for example,
//
//   interleaved(256, 4), tree()      256 threads, each adding groups of 4 neighbours at a stride of
//                                    1024, then halves added to halves
//   chunks(65536, {...}), tree()     the inner order on each chunk of 65536 terms, then the tree
#pragma once

#include "properties/arithmetic.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

namespace assay::properties {

struct order;

// Lane (i / width) % lanes adds term i; each lane adds its terms in their order. One lane is the
// sequential sum.
struct interleaved {
  std::int64_t lanes = 1, width = 1;
};
// The upper half is added to the lower, until one is left (a warp's xor shuffles, a block's tree).
// A row that is not a power of two is filled up with zeros.
struct tree {};
// The inner order on each run of `size` neighbours.
struct chunks {
  std::int64_t size = 1;
  std::shared_ptr<const order> inner;
};
// Blocks of neighbours added to one accumulator by a tensor core.
struct tensor_core {
  truncating_adder adder;
};

using level = std::variant<interleaved, tree, chunks, tensor_core>;

struct order {
  std::vector<level> levels;
  std::string text() const;  // as in the example above, for `assay list` and reports
};

inline order sequential() { return {{interleaved{1, 1}}}; }
inline chunks in_chunks(std::int64_t size, order inner) {
  return {size, std::make_shared<const order>(std::move(inner))};
}

// The sum of `terms` in `how`, rounded as `arithmetic` rounds. The first term of a lane is taken as
// it is: adding it to a zero is exact.
template <class Arithmetic>
typename Arithmetic::value sum(const Arithmetic& arithmetic, const order& how,
                               std::vector<typename Arithmetic::value> terms);

namespace detail {

template <class Arithmetic>
class summation {
 public:
  using value = typename Arithmetic::value;
  using row = std::vector<value>;

  explicit summation(const Arithmetic& arithmetic) : arithmetic_(arithmetic) {}

  row apply(const interleaved& level, row terms) const {
    const auto count = std::int64_t(terms.size());
    row lanes(std::size_t(std::min(level.lanes, (count + level.width - 1) / level.width)));
    std::vector<bool> begun(lanes.size());
    for (std::int64_t i = 0; i < count; ++i) {
      const auto lane = std::size_t((i / level.width) % level.lanes);
      lanes[lane] =
          begun[lane] ? arithmetic_.add(lanes[lane], terms[std::size_t(i)]) : terms[std::size_t(i)];
      begun[lane] = true;
    }
    return lanes;
  }

  row apply(const tree&, row terms) const {
    std::size_t width = 1;
    while (width < terms.size()) width *= 2;
    for (std::size_t half = width / 2; half >= 1; half /= 2) {
      for (std::size_t i = half; i < terms.size(); ++i)
        terms[i - half] = arithmetic_.add(terms[i - half], terms[i]);
      terms.resize(std::min(terms.size(), half));
    }
    return terms;
  }

  row apply(const chunks& level, const row& terms) const {
    row sums;
    const auto size = std::size_t(level.size);
    for (std::size_t first = 0; first < terms.size(); first += size) {
      const std::size_t last = std::min(terms.size(), first + size);
      sums.push_back(
          sum(arithmetic_, *level.inner,
              row(terms.begin() + std::ptrdiff_t(first), terms.begin() + std::ptrdiff_t(last))));
    }
    return sums;
  }

  row apply(const tensor_core& level, const row& terms) const {
    value total = Arithmetic::exact(0);
    const std::span<const value> all(terms);
    const auto block = std::size_t(level.adder.block);
    for (std::size_t first = 0; first < all.size(); first += block)
      total = arithmetic_.add_truncated(
          total, all.subspan(first, std::min(block, all.size() - first)), level.adder);
    return {total};
  }

 private:
  const Arithmetic& arithmetic_;
};

}  // namespace detail

template <class Arithmetic>
typename Arithmetic::value sum(const Arithmetic& arithmetic, const order& how,
                               std::vector<typename Arithmetic::value> terms) {
  if (terms.empty()) return Arithmetic::exact(0);
  const detail::summation<Arithmetic> adder(arithmetic);
  for (const level& each : how.levels)
    terms = std::visit([&](const auto& kind) { return adder.apply(kind, std::move(terms)); }, each);
  return terms.front();
}

// A sum by atomics on global memory: in any order, from 0 on, each addition with operands and
// result below 2^-126 flushed to 0. In a model's own arithmetic, in that of the terms.
template <class Arithmetic>
typename Arithmetic::value sum_by_atomics(const Arithmetic& a,
                                          const std::vector<typename Arithmetic::value>& terms) {
  if constexpr (std::is_same_v<Arithmetic, running>) {
    // Every partial sum lies within all magnitudes: each addition but the first rounds at most as
    // there.
    double magnitude = 0, error = 0, center = 0, least = reference::k_infinity;
    for (const auto& each : terms) {
      magnitude += std::abs(each.center) + each.after;
      error += each.after;
      center += each.center;
      if (each.center != 0 || each.after != 0)
        least = std::min(least, std::abs(each.center) - each.after);
    }
    if (!std::isfinite(center)) return {center, 0, 0};
    if (!std::isfinite(magnitude)) return {center, reference::k_infinity, reference::k_infinity};
    const double n = double(terms.size()) - 1;
    const bool flushes = n > 0 || least < 0x1p-126;
    const double rounding = 0.5 * reference::ulp(reference::k_fp32, magnitude * (1 + n * 0x1p-24));
    const double lost = error + n * rounding + (flushes ? 3 * (n + 1) * 0x1p-126 : 0);
    return {center, lost, lost};
  } else {
    const auto flushed = [](double x) { return std::abs(x) < 0x1p-126 ? 0 : x; };
    typename Arithmetic::value all = Arithmetic::exact(0);
    for (const auto& each : terms) {
      all = a.add(all, Arithmetic::exact(flushed(each.after)));
      all.after = flushed(all.after);
    }
    return all;
  }
}

}  // namespace assay::properties
