#include "properties/attention_gradient_precise.hpp"

#include "properties/attention_head.hpp"
#include "properties/attention_precise.hpp"
#include "properties/precise.hpp"
#include "properties/values.hpp"

namespace assay::properties {
namespace {

using R = reference::mpfr_real<960>;
constexpr double k_u = reference::k_unit_roundoff<R>;

// A sum of products, the magnitudes of its terms, and whether any has a weight that is rounded: e^t
// is rational at t = 0 alone.
struct precise_sum {
  R value{0}, magnitude{0};
  bool rounded = false;

  void add(const R& by, const R& x, bool exactly) {
    const R term = by * x;
    value = value + term;
    if (term == R(0)) return;
    magnitude = magnitude + R(reference::magnitude(term));
    rounded = rounded || !exactly;
  }
};

std::vector<R> widened(const reference::head_matrix<double>& rows) {
  std::vector<R> all;
  for (std::int64_t j = 0; j < rows.count; ++j)
    for (const double each : rows.row(j)) all.emplace_back(each);
  return all;
}

// A head in many digits. Products of 24 bits each and their sums are exact, and so are those with
// a third factor.
class precise_head {
 public:
  precise_head(const reference::attention_results<double>& of, const R& scale)
      : of_(of),
        scale_(scale),
        q_(widened(of.q)),
        k_(widened(of.k)),
        v_(widened(of.v)),
        o_(widened(of.o)),
        grad_(widened(of.grad)) {}

  reference::attention_gradients<precise_sum> sums() const {
    const std::int64_t width = of_.q.width;
    reference::attention_gradients<precise_sum> all{std::vector<precise_sum>(q_.size()),
                                                    std::vector<precise_sum>(k_.size()),
                                                    std::vector<precise_sum>(k_.size())};
    for (std::int64_t i = 0; i < of_.q.count; ++i) {
      const double lse = of_.lse[std::size_t(i)];
      if (lse == -reference::k_infinity) continue;
      const R delta = dot(grad_, i, o_, i);
      const reference::key_range seen = of_.seen[std::size_t(i)];
      for (std::int64_t j = seen.first; j < seen.last; ++j) {
        const std::span<const double> bias = of_.biases(i);
        if (!reference::is_there(bias, j)) continue;
        R s = dot(q_, i, k_, j) * scale_;
        if (!bias.empty()) s = s + R(bias[std::size_t(j)]);
        if (s == R(-reference::k_infinity)) continue;
        const R t = s - R(lse), p = reference::special<R>::exp(t),
                ds = p * (dot(grad_, i, v_, j) - delta);
        for (std::int64_t d = 0; d < width; ++d) {
          const auto query = std::size_t(i * width + d), key = std::size_t(j * width + d);
          all.dq[query].add(ds, k_[key], t == R(0));
          all.dk[key].add(ds, q_[query], t == R(0));
          all.dv[key].add(p, grad_[query], t == R(0));
        }
      }
    }
    return all;
  }

 private:
  R dot(const std::vector<R>& x, std::int64_t i, const std::vector<R>& y, std::int64_t j) const {
    const auto width = std::size_t(of_.q.width);
    return reference::detail::dot(std::span(x).subspan(std::size_t(i) * width, width),
                                  std::span(y).subspan(std::size_t(j) * width, width));
  }

  const reference::attention_results<double>& of_;
  const R& scale_;
  std::vector<R> q_, k_, v_, o_, grad_;
};

// A score rounds twice, an exponent once, and e^t carries |t| u of each: 3000 u covers |t| < 900,
// beyond which weights do not count beside the rest. Sums of n terms and the scale: n + 4
// roundings, n being no more than the elements of the tensor.
truth truth_of(const std::vector<precise_sum>& sums, const R& scale, bool scale_is_exact,
               const reference::format& out) {
  truth all;
  for (const precise_sum& each : sums) {
    const R value = each.value * scale;
    const double roundings = each.rounded ? 3000 + double(sums.size()) : scale_is_exact ? 0 : 4;
    const bool exact = !reference::is_finite(value) || roundings == 0;
    append_precise(all, out, value, exact ? R(0) : R(each.magnitude * scale * R(roundings * k_u)));
  }
  return all;
}

std::vector<truth> precise_gradients(const attention_variant& of, const case_inputs& in) {
  const R scale = precise_scale(in);
  const bool exact = scale_of(in).error == 0;
  const reference::format out = format_of(in.id.types[k_queries].type);
  const auto all = gradients_of_heads<precise_sum>(
      of, in, [&](const auto& results) { return precise_head(results, scale).sums(); });
  return {truth_of(all.dq, scale, exact, out), truth_of(all.dk, scale, exact, out),
          truth_of(all.dv, R(1), true, out)};
}

}  // namespace

precise_reference precise_attention_gradient(const attention_variant& of) {
  return {"MPFR at 960 bits", 289,
          [of](const case_inputs& in) { return precise_gradients(of, in); }};
}

}  // namespace assay::properties
