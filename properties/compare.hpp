// One comparison: an output tensor against the truth, element by element, and its verdict.
#pragma once

#include "optimized/dtype.hpp"
#include "properties/bound.hpp"

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace assay::properties {

// The exact results of one output tensor, flat in row-major order.
struct truth {
  std::vector<double> value;
  std::vector<double> error;  // |value - exact|; empty where every value is exact
  std::vector<double>
      rounded;  // correctly rounded to the output's dtype, decided exactly; or empty

  element_truth at(std::size_t i) const { return {value[i], error.empty() ? 0 : error[i]}; }
};

struct comparison_policy {
  bool zero_sign = true;        // a zero must have the sign of the truth (element-wise functions)
  bool unbounded_fails = true;  // an element whose bound is infinite: else it is not judged
};

struct worst_element {
  std::int64_t index = -1;
  double got = 0, expected = 0;  // expected: the truth, unrounded
  double fraction = 0;           // of its bound
  double ulps = 0;
};

struct verdict {
  std::int64_t elements = 0, failed = 0;
  std::int64_t judged = 0;      // elements inside the implementation's declared domain
  std::int64_t misrounded = 0;  // finite elements that are not the correctly rounded truth
  std::int64_t unbounded = 0;   // elements whose bound is infinite
  double worst_fraction = 0;    // over all elements; infinite where nothing was allowed
  double worst_ulps = 0;
  double bias_ulps = 0;  // mean signed error
  worst_element worst;   // by fraction; the first failed one before any passed one
  std::int64_t worst_ulps_index = -1;
  std::vector<std::int64_t> failed_at;  // the first 4096, for the pattern
  std::string reason;                   // empty where it passed: what went wrong, one line

  bool passed() const { return reason.empty(); }
};

// The bound of element i, whose truth is t. Elements outside the implementation's declared domain
// have no bound: `in_domain` is false for them, and they are counted, not judged.
struct judged_bound {
  element_bound bound;
  bool in_domain = true;
};
using bound_of = std::function<judged_bound(std::size_t i, const element_truth& t)>;

// Throws std::invalid_argument where `got` has not as many elements as the truth.
verdict compare(dtype type, std::span<const double> got, const truth& expected,
                const bound_of& bound, const comparison_policy& policy);

// A dimension of a tensor, as reports name it.
struct dimension {
  std::string name;
  std::int64_t extent = 1;
};

// In words, where the failed elements of a tensor of this shape stand, outermost dimension first:
// "64 rows, all t % 64 == 63", "the last 3 of 1023", "one, at n = 17", "all 4096". Elements that
// are whole rows of the innermost dimension count as rows.
std::string pattern_of(const verdict& verdict, const std::vector<dimension>& shape);

// Where an element of that shape stands: "17", or "3, 63, 0".
std::string position_of(std::int64_t index, const std::vector<dimension>& shape);

}  // namespace assay::properties
