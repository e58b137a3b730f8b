#include "properties/layer_norm_gradient_properties.hpp"

#include "properties/layer_norm_relations.hpp"

namespace assay::properties {
namespace {

using namespace layer_norm_relations;

// The sums of a row of dx, and of dx xhat, as the formula has them: rstd (sum w - n a - b sum xhat)
// and rstd (sum w xhat - a sum xhat - b sum xhat^2), a and b the means of w and w xhat. Where the
// statistics are x's own, sum xhat is 0 and sum xhat^2 nearly n: both sums are nearly 0.
std::string broken_orthogonality(const subject& s) {
  const bool residual = s.of().variant == "residual";
  const auto given = layer_norm_gradient_inputs::of(s.inputs(), residual);
  const bounded_output dx = s.outputs()[0];
  for (std::int64_t r = 0; r < given.shape.rows; ++r) {
    const auto got = given.shape.row(dx.got, r), reach = given.shape.row(dx.reach, r),
               x = given.shape.row(given.x, r), dy = given.shape.row(given.dy, r);
    if (x.empty() || !all_finite(reach)) continue;
    const auto statistics = given.statistics(r);
    const std::vector<double> xhat = reference::normalized(x, statistics);
    const double n = double(x.size());
    double a = 0, b = 0, sizes_a = 0, sizes_b = 0, most = 0;
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double w = given.gamma[j] * dy[j];
      a += w / n, sizes_a += std::abs(w) / n;
      b += w * xhat[j] / n, sizes_b += std::abs(w * xhat[j]) / n;
      most = std::max(most, std::abs(xhat[j]));
    }
    double sum = 0, dot = 0, room = 0, rooms = 0, sums = 0, dots = 0, sizes = 0;
    for (std::size_t j = 0; j < x.size(); ++j) {
      const double other = residual ? (*given.dsum)[std::size_t(r * given.shape.length) + j] : 0;
      const double w = given.gamma[j] * dy[j], mine = got[j] - other,
                   right = statistics.rstd * (w - a - xhat[j] * b);
      sum += mine, sums += right;
      dot += mine * xhat[j], dots += right * xhat[j];
      room += reach[j], rooms += reach[j] * std::abs(xhat[j]);
      sizes += std::abs(got[j]) + std::abs(other) +
               std::abs(statistics.rstd) * (std::abs(w) + sizes_a + std::abs(xhat[j]) * sizes_b);
    }
    const double error = error_in_double(x.size());
    std::string broken = differ({sum}, {sums}, {(1 + error) * room + error * sizes});
    if (broken.empty())
      broken = differ({dot}, {dots}, {(1 + error) * rooms + error * most * sizes});
    if (!broken.empty()) return fmt::format("row {}: {}", r, broken);
  }
  return {};
}

std::string broken_beta(const subject& s) {
  const matrix_shape shape = matrix_shape::of(s.inputs().id);
  const bounded_output dbeta = s.outputs()[2];
  std::vector<double> sums, allowed;
  for (std::int64_t j = 0; j < shape.length; ++j) {
    const reference::approximation sum =
        reference::sum_with_error(shape.column(s.inputs().values[0], j));
    sums.push_back(sum.value);
    allowed.push_back(dbeta.reach[std::size_t(j)] + sum.error);
  }
  return differ(dbeta.got, sums, allowed);
}

std::string broken_linearity(const subject& s) {
  case_inputs twice = s.inputs();
  for (const char* name : {"dy", "dsum"}) {
    const std::size_t t = place_of(s, name);
    if (t == twice.values.size()) continue;
    for (double& each : twice.values[t]) each = round_to(twice.id.types[t].type, 2 * each);
  }
  const results once = s.outputs(), here = s.outputs(twice);
  for (std::size_t k = 0; k < once.size(); ++k)
    if (const std::string broken = within_reaches(here[k], once[k], 2); !broken.empty())
      return named(s, k, broken);
  return {};
}

// Other gammas: dgamma and dbeta keep their bits.
std::string broken_own_scale(const subject& s) {
  const results here = s.outputs(),
                there = s.outputs(s.with_values(2, [](double) { return -1.5; }));
  for (std::size_t k : {1u, 2u}) {
    std::vector<double> allowed;
    for (double reach : here[k].reach)
      allowed.push_back(std::isfinite(reach) ? 0 : reference::k_infinity);
    if (const std::string broken = differ(here[k].got, there[k].got, allowed); !broken.empty())
      return named(s, k, broken);
  }
  return {};
}

// dy = 0: dx is what else reaches the sum, or 0; dgamma and dbeta are 0.
std::string broken_silence(const subject& s) {
  const case_inputs silent = s.with_values(0, [](double) { return 0; });
  const results got = s.outputs(silent);
  for (std::size_t k = 0; k < got.size(); ++k) {
    const bool added = k == 0 && s.of().variant == "residual";
    std::vector<double> expected(got[k].got.size(), 0), allowed;
    if (added) expected = silent.values[5];
    for (double reach : got[k].reach)
      allowed.push_back(std::isfinite(reach) ? 0 : reference::k_infinity);
    if (const std::string broken = differ(got[k].got, expected, allowed); !broken.empty())
      return named(s, k, broken);
  }
  return {};
}

}  // namespace

void add_layer_norm_gradient_properties(contract& c) {
  const auto add = [&](const char* statement, std::string (*broken)(const subject&)) {
    c.properties.push_back({statement, broken});
  };
  add("dx has with 1 and with xhat the products of the formula", broken_orthogonality);
  add("dbeta is the sum of dy", broken_beta);
  add("the gradients are linear in the gradient from above", broken_linearity);
  add("gamma changes no bit of dgamma and dbeta", broken_own_scale);
  add("nothing from above gives nothing below", broken_silence);
}

}  // namespace assay::properties
