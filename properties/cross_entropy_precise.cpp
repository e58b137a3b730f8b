#include "properties/cross_entropy_precise.hpp"

#include "properties/cross_entropy_shape.hpp"
#include "properties/precise.hpp"
#include "properties/values.hpp"
#include "reference/cross_entropy.hpp"

#include <algorithm>

namespace assay::properties {
namespace {

using R = reference::mpfr_real<960>;
constexpr double k_u = reference::k_unit_roundoff<R>;

// Of a share, or of a logarithm of one, of n columns: what softmax_precise.cpp counts, 1000 u
// twice, n u of the sum and 3 roundings; and as many again for what comes after.
double relative_error(std::size_t n) { return (2016 + double(n)) * k_u; }

R size_of_value(const R& x) { return reference::is_finite(x) ? R(reference::magnitude(x)) : R(0); }

class precise_batch {
 public:
  explicit precise_batch(const case_inputs& in)
      : in_(in), shape_(entropy_shape::of(in.id)), counted_(rows_that_count(in)) {}

  std::vector<truth> outputs() const {
    std::vector<truth> out(shape_.total() + 1);
    std::vector<R> losses;
    R error(0);
    for (std::int64_t r = 0; r < shape_.rows; ++r) {
      const std::span<const double> logits = shape_.row(in_.values[k_logits], r);
      const std::vector<R> x(logits.begin(), logits.end());
      const auto row = reference::cross_entropy(std::span<const R>(x), target_of(in_, r));
      const R off = size_of_value(row.loss) * R(relative_error(x.size()));
      append_precise(out[shape_.losses()], reference::k_fp32, row.loss, off);
      losses.push_back(row.loss);
      error = error + off;
      if (shape_.gradient) append_gradient(out[0], row.gradient, target_of(in_, r));
    }
    append_total(out[shape_.total()], losses, error);
    return out;
  }

 private:
  // A share or its difference from 1, times scale, over the rows that count.
  void append_gradient(truth& all, const std::vector<R>& row, std::int64_t target) const {
    const R by(shape_.mean ? double(std::max<std::int64_t>(counted_, 1)) : 1.0);
    const R scale(entropy_scale(in_));
    const reference::format out = format_of(in_.id.types[2].type);
    for (std::size_t j = 0; j < row.size(); ++j) {
      const R value = row[j] * scale / by;
      const R share = std::int64_t(j) == target ? R(row[j] + R(1)) : row[j];
      const bool exact = target < 0 || row[j] == R(0) || share == R(0);
      const R off = (size_of_value(share) + size_of_value(row[j])) *
                    R(reference::magnitude(scale)) / by * R(relative_error(row.size()));
      append_precise(all, out, value, exact || !reference::is_finite(value) ? R(0) : off);
    }
    for (std::int64_t j = shape_.live; j < shape_.columns; ++j)
      append_precise(all, out, R(0), R(0));
  }

  void append_total(truth& all, const std::vector<R>& losses, const R& error) const {
    const R total = reference::total_loss(std::span<const R>(losses), counted_, shape_.mean);
    R magnitudes(0);
    for (const R& each : losses) magnitudes = magnitudes + size_of_value(each);
    const R off = error + magnitudes * R((double(losses.size()) + 4) * k_u);
    append_precise(all, reference::k_fp32, total, reference::is_finite(total) ? off : R(0));
  }

  const case_inputs& in_;
  entropy_shape shape_;
  std::int64_t counted_;
};

}  // namespace

precise_reference precise_cross_entropy() {
  return {"MPFR at 960 bits", 289,
          [](const case_inputs& in) { return precise_batch(in).outputs(); }};
}

}  // namespace assay::properties
