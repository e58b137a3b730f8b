// What a tensor's elements are drawn from. An element depends on (seed, tensor, index, dtype) and
// the distribution's parameters alone, and is made by integers and IEEE operations (philox.hpp,
// ieee_math.hpp): an id gives the same bits everywhere.
#pragma once

#include "optimized/dtype.hpp"
#include "properties/case.hpp"
#include "properties/philox.hpp"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace assay::properties {

// Which element of which tensor: all that a draw may depend on.
struct element_site {
  std::uint64_t seed = 0;
  std::uint32_t tensor = 0;            // the tensor's place in its contract
  std::uint64_t index = 0, count = 1;  // flat index in the tensor, and the tensor's element count
  dtype type = dtype::fp32;

  element_stream stream() const { return {seed, tensor, index}; }
};

// A parameter with its default and its range; integers only, where it is a count or a place.
struct distribution_parameter : field {
  double least, most;
  bool whole = false;
};

struct distribution_info {
  std::string_view name;
  std::string_view about;  // one line, for `assay list` and the README
  std::vector<distribution_parameter> parameters;
  // Random enough that rounding errors scatter as if drawn: the statistical test may judge it.
  // Constant, adversarial and structured data are judged by the strict bound alone.
  bool scatters = false;
  // The value before rounding to the tensor's dtype; `parameters` are complete, in table order.
  double (*draw)(const element_site& site, std::span<const double> parameters);
  bool interval = false;  // the parameters are its two ends, the lower one first
};

std::span<const distribution_info> distributions();

class distribution {
 public:
  // Throws bad_input for an unknown name (with the known ones) or parameter, one out of its range,
  // one that stands before another that precedes it in the table, and an interval's reversed ends.
  explicit distribution(const distribution_id& id);

  // The element as a double that `site.type` represents exactly.
  double element(const element_site& site) const;

  const distribution_info& info() const { return *info_; }

 private:
  const distribution_info* info_;
  std::vector<double> parameters_;
};

}  // namespace assay::properties
