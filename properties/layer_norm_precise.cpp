#include "properties/layer_norm_precise.hpp"

#include "properties/finite.hpp"
#include "properties/precise.hpp"

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

// fp32 numbers are multiples of 2^-149 below 2^128. Every polynomial here has at most 7 of them as
// factors, and sums of at most 2^24 terms: less than 7 277 + 5 24 = 2059 bits, so it is exact.
constexpr int k_bits = 2304;
using R = reference::mpfr_real<k_bits>;
constexpr double k_u = reference::k_unit_roundoff<R>;

void append_exactly(truth& all, double value) {
  all.value.push_back(value);
  all.rounded.push_back(value);
  all.error.push_back(0);
}

// over / under, rounded once or exact; plus `added`, which is exact or rounds once more. Where
// `under` has an error of u, the quotient has another.
void append_quotient(truth& all, const reference::format& out, const R& over, const R& under,
                     bool exact_under, const R& added = R(0)) {
  const R quotient = over / under;
  const bool exact = exact_under && R(quotient * under) == over;
  const R value = quotient + added;
  append_precise(
      all, out, value,
      exact ? R(0)
            : R(R(4 * k_u) * (R(reference::magnitude(quotient)) + R(reference::magnitude(value)))));
}

// With k_j = n x_j - sum x and q = sum k_j^2 + eps n^3, which are exact: variance + eps = q / n^3,
// so that rstd = n^2 / sqrt(n q) and y = gamma k n / sqrt(n q) + beta. A root that is exact has a
// square that is.
void append_row(std::vector<truth>& all, const std::vector<reference::format>& out,
                std::span<const double> x, const layer_norm_inputs& in) {
  const std::size_t y = all.size() - 3;
  if (!all_finite(x)) {
    for (std::size_t j = 0; j < x.size(); ++j) append_exactly(all[y], reference::k_nan);
    append_exactly(all[y + 1], reference::k_nan);
    append_exactly(all[y + 2], reference::k_nan);
    return;
  }
  const R n(double(std::max<std::size_t>(x.size(), 1)));
  R sum(0);
  for (double each : x) sum = sum + R(each);
  std::vector<R> k;
  R q = R(in.eps) * n * n * n;
  for (double each : x) {
    k.push_back(R(n * R(each) - sum));
    q = q + k.back() * k.back();
  }
  append_quotient(all[y + 1], out[y + 1], sum, n, true);
  const R root = reference::special<R>::sqrt(R(n * q));
  const bool exact = R(root * root) == R(n * q), flat = q == R(0);
  if (flat)
    append_exactly(all[y + 2], 0);
  else
    append_quotient(all[y + 2], out[y + 2], R(n * n), root, exact);
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double gamma = in.gamma[j], beta = in.beta[j];
    if (!std::isfinite(gamma) || !std::isfinite(beta))
      append_exactly(all[y], gamma * (flat ? 0 : double(reference::sign(k[j]))) + beta);
    else if (flat)
      append_exactly(all[y], beta);
    else
      append_quotient(all[y], out[y], R(R(gamma) * k[j] * n), root, exact, R(beta));
  }
}

std::vector<truth> precise_forward(const layer_norm_variant& of, const case_inputs& in) {
  const layer_norm_inputs given = layer_norm_inputs::of(in, of.residual);
  std::vector<truth> all(of.residual ? 4 : 3);
  std::vector<reference::format> out;
  for (std::size_t k = 0; k < all.size(); ++k)
    out.push_back(format_of(in.id.types[in.values.size() + k].type));
  if (of.residual)
    for (double each : given.x) append_exactly(all[0], each == 0 ? 0 : each);
  for (std::int64_t r = 0; r < given.shape.rows; ++r)
    append_row(all, out, given.shape.row(given.x, r), given);
  return all;
}

// n dx = rstd (n w - sum w - xhat sum w xhat) + n dsum is exact.
void append_gradients(truth& all, const reference::format& out,
                      const layer_norm_gradient_inputs& given, std::int64_t r) {
  const auto dy = given.shape.row(given.dy, r), x = given.shape.row(given.x, r);
  const auto statistics = given.statistics(r);
  const auto added = [&](std::size_t j) {
    return given.dsum ? given.shape.row(*given.dsum, r)[j] : 0;
  };
  // IEEE arithmetic in double says what becomes of NaNs and infinities.
  const auto plain =
      reference::layer_norm_gradient(dy, x, std::span<const double>(given.gamma), statistics);
  if (!all_finite(dy) || !all_finite(x) || !all_finite(given.gamma) ||
      !std::isfinite(statistics.mean) || !std::isfinite(statistics.rstd)) {
    for (std::size_t j = 0; j < x.size(); ++j) append_exactly(all, plain[j] + added(j));
    return;
  }
  const R n(double(std::max<std::size_t>(x.size(), 1))), rstd(statistics.rstd);
  std::vector<R> w, xhat;
  R sum(0), dot(0);
  for (std::size_t j = 0; j < x.size(); ++j) {
    w.push_back(R(R(given.gamma[j]) * R(dy[j])));
    xhat.push_back(R((R(x[j]) - R(statistics.mean)) * rstd));
    sum = sum + w[j];
    dot = dot + w[j] * xhat[j];
  }
  for (std::size_t j = 0; j < x.size(); ++j)
    if (std::isfinite(added(j)))
      append_quotient(all, out, R(rstd * (n * w[j] - sum - xhat[j] * dot) + n * R(added(j))), n,
                      true);
    else
      append_exactly(all, plain[j] + added(j));
}

void append_channel(truth& of_gamma, truth& of_beta, const layer_norm_gradient_inputs& given,
                    std::int64_t j) {
  const std::vector<double> dy = given.shape.column(given.dy, j),
                            x = given.shape.column(given.x, j);
  R gamma(0), beta(0);
  double plain_gamma = 0, plain_beta = 0;
  for (std::size_t r = 0; r < dy.size(); ++r) {
    plain_gamma += dy[r] * ((x[r] - given.mean[r]) * given.rstd[r]);
    plain_beta += dy[r];
    gamma = gamma + R(dy[r]) * ((R(x[r]) - R(given.mean[r])) * R(given.rstd[r]));
    beta = beta + R(dy[r]);
  }
  if (std::isfinite(plain_gamma))
    append_precise(of_gamma, reference::k_fp32, gamma, R(0));
  else
    append_exactly(of_gamma, plain_gamma);
  if (std::isfinite(plain_beta))
    append_precise(of_beta, reference::k_fp32, beta, R(0));
  else
    append_exactly(of_beta, plain_beta);
}

std::vector<truth> precise_backward(const layer_norm_variant& of, const case_inputs& in) {
  const auto given = layer_norm_gradient_inputs::of(in, of.residual);
  const reference::format out = format_of(in.id.type_of("dx"));
  std::vector<truth> all(3);
  for (std::int64_t r = 0; r < given.shape.rows; ++r) append_gradients(all[0], out, given, r);
  for (std::int64_t j = 0; j < given.shape.length; ++j) append_channel(all[1], all[2], given, j);
  return all;
}

}  // namespace

precise_reference precise_layer_norm(const layer_norm_variant& of, bool forward) {
  return {"MPFR at 2304 bits", 693, [=](const case_inputs& in) {
            return forward ? precise_forward(of, in) : precise_backward(of, in);
          }};
}

}  // namespace assay::properties
