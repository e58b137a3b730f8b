#include "properties/cross_entropy_properties.hpp"

#include "properties/cross_entropy_shape.hpp"
#include "properties/property.hpp"
#include "properties/values.hpp"
#include "reference/softmax.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

// Relative to its terms' magnitudes, what a sum of n terms in double, of up to two values of the C
// library's functions each, may be off by; twice, for products of errors and an operation or two.
double error_in_double(std::size_t n) {
  return 2 * (double(n + 4) * reference::k_unit_roundoff<double> +
              2 * reference::special<double>::k_error);
}

bool is_judged(const case_inputs& in, const entropy_shape& shape, std::int64_t r) {
  const std::int64_t target = target_of(in, r);
  return target >= 0 && target < shape.live &&
         reference::kind_of_row(shape.row(in.values[k_logits], r)) == reference::row_kind::ordinary;
}

// says(row, its live logits) of every row that has a loss of its own.
template <class Says>
std::string each_row(const case_inputs& in, const Says& says) {
  const entropy_shape shape = entropy_shape::of(in.id);
  for (std::int64_t r = 0; r < shape.rows; ++r)
    if (is_judged(in, shape, r))
      if (std::string what = says(r, shape.row(in.values[k_logits], r)); !what.empty())
        return fmt::format("row {}: {}", r, what);
  return {};
}

bounded_output part(const bounded_output& of, std::size_t first, std::size_t count) {
  const auto from = std::ptrdiff_t(first), to = std::ptrdiff_t(first + count);
  return {{of.got.begin() + from, of.got.begin() + to},
          {of.reach.begin() + from, of.reach.begin() + to}};
}

bounded_output gradient_of_row(const std::vector<bounded_output>& out, const entropy_shape& shape,
                               std::int64_t r) {
  return part(out[0], std::size_t(r * shape.columns), std::size_t(shape.live));
}

// By what a row's gradient is multiplied.
double factor_of(const case_inputs& in, const entropy_shape& shape) {
  return entropy_scale(in) / (shape.mean ? double(rows_that_count(in)) : 1);
}

// Scores on a coarse grid moved by as much as keeps them on it: each difference is what it was.
std::string broken_shift(const subject& s) {
  const auto on_grid = [](double x, double shift) {
    return (std::isfinite(x) ? std::clamp(std::nearbyint(x * 4) / 4, -8.0, 8.0) : 0) + shift;
  };
  return unlike(s.outputs(s.with_values(k_logits, [&](double x) { return on_grid(x, 0); })),
                s.outputs(s.with_values(k_logits, [&](double x) { return on_grid(x, -16); })));
}

// 1 <= sum e^(x_k - max) <= n: the loss lies between max - x_t and log n more.
std::string broken_ends(const subject& s) {
  const entropy_shape shape = entropy_shape::of(s.inputs().id);
  const bounded_output losses = s.outputs()[shape.losses()];
  return each_row(s.inputs(), [&](std::int64_t r, std::span<const double> x) -> std::string {
    const double least =
        *std::max_element(x.begin(), x.end()) - x[std::size_t(target_of(s.inputs(), r))];
    const double got = losses.got[std::size_t(r)],
                 room = losses.reach[std::size_t(r)] + 0x1p-50 * (least + 64);
    if (!std::isfinite(room)) return {};
    if (got >= least - room && got <= least + std::log(double(x.size())) + room) return {};
    return fmt::format("a loss of {:a}, where {:a} is the least and log {} more the most", got,
                       least, x.size());
  });
}

// The loss is that of the logarithms of softmax's shares.
std::string broken_logarithm(const subject& s) {
  const entropy_shape shape = entropy_shape::of(s.inputs().id);
  const bounded_output losses = s.outputs()[shape.losses()];
  return each_row(s.inputs(), [&](std::int64_t r, std::span<const double> x) -> std::string {
    const double expected = -reference::log_softmax(x)[std::size_t(target_of(s.inputs(), r))];
    const auto i = std::size_t(r);
    if (std::isinf(expected))
      return losses.got[i] == expected ? "" : fmt::format("{:a}, not infinity", losses.got[i]);
    return differ({losses.got[i]}, {expected},
                  {losses.reach[i] + error_in_double(x.size()) * (1 + std::abs(expected))});
  });
}

// The rows from the last to the first: losses and gradients in that order, bit for bit; the total
// within both reaches.
std::string broken_rows(const subject& s) {
  const entropy_shape shape = entropy_shape::of(s.inputs().id);
  const auto turned = [&](std::vector<double> all, std::int64_t width) {
    std::vector<double> other;
    for (std::int64_t r = shape.rows; r-- > 0;)
      other.insert(other.end(), all.begin() + r * width, all.begin() + (r + 1) * width);
    return other;
  };
  case_inputs in = s.inputs();
  in.values[k_logits] = turned(in.values[k_logits], shape.columns);
  in.values[k_targets] = turned(in.values[k_targets], 1);
  const std::vector<bounded_output> here = s.outputs(), there = s.outputs(in);
  for (std::size_t k = 0; k < shape.total(); ++k) {
    const std::int64_t width = k == shape.losses() ? 1 : shape.columns;
    if (std::string what = same_bits(turned(here[k].got, width), there[k].got); !what.empty())
      return what;
  }
  return differ_in_reach({here[shape.total()]}, {there[shape.total()]});
}

// Columns from the last to the first, targets with them: the same within both reaches.
std::string broken_columns(const subject& s) {
  const entropy_shape shape = entropy_shape::of(s.inputs().id);
  const auto turned = [&](std::vector<double> all) {
    for (std::int64_t r = 0; r < shape.rows; ++r)
      std::reverse(all.begin() + r * shape.columns, all.begin() + r * shape.columns + shape.live);
    return all;
  };
  case_inputs in = s.inputs();
  in.values[k_logits] = turned(in.values[k_logits]);
  for (double& target : in.values[k_targets])
    if (target >= 0 && target < double(shape.live)) target = double(shape.live - 1) - target;
  std::vector<bounded_output> here = s.outputs(), there = s.outputs(in);
  if (shape.gradient) here[0] = {turned(here[0].got), turned(here[0].reach)};
  return differ_in_reach(here, there);
}

// What stands in the columns that do not count changes no bit, nor does it that they are there.
std::string broken_padding(const subject& s) {
  const entropy_shape shape = entropy_shape::of(s.inputs().id);
  case_inputs other = s.inputs(), without = s.inputs();
  const dtype type = other.id.types[k_logits].type;
  const double strange[] = {reference::k_nan, reference::k_infinity, 1e38, -reference::k_infinity};
  without.values[k_logits].clear();
  for (std::int64_t r = 0; r < shape.rows; ++r) {
    const auto live = shape.row(s.inputs().values[k_logits], r);
    without.values[k_logits].insert(without.values[k_logits].end(), live.begin(), live.end());
    for (std::int64_t j = shape.live; j < shape.columns; ++j)
      other.values[k_logits][std::size_t(r * shape.columns + j)] = round_to(type, strange[j % 4]);
  }
  for (field& each : without.id.shape) {
    if (each.key == "v") each.value = shape.live;
    if (each.key == "live") each.value = 0.0;
  }
  without.parameters[0] = 0;
  const std::vector<bounded_output> here = s.outputs(), there = s.outputs(other);
  std::vector<bounded_output> bare = s.outputs(without);
  if (shape.gradient) {
    std::vector<double> padded;
    for (std::int64_t r = 0; r < shape.rows; ++r) {
      const auto first = bare[0].got.begin() + r * shape.live;
      padded.insert(padded.end(), first, first + shape.live);
      padded.resize(std::size_t((r + 1) * shape.columns), 0);
    }
    bare[0].got = std::move(padded);
  }
  const std::string what = unlike(here, there);
  return what.empty() ? unlike(here, bare) : what;
}

// Without its target a row counts nothing, whatever its logits are, and changes no other's loss.
std::string broken_ignored(const subject& s) {
  const entropy_shape shape = entropy_shape::of(s.inputs().id);
  case_inputs in = s.inputs();
  for (std::int64_t r = 0; r < shape.rows; r += 2) {
    in.values[k_targets][std::size_t(r)] = r % 4 == 0 ? -100 : -1;
    if (shape.columns > 0)
      in.values[k_logits][std::size_t(r * shape.columns + r % shape.columns)] = reference::k_nan;
  }
  const std::vector<bounded_output> here = s.outputs(), there = s.outputs(in);
  for (std::int64_t r = 0; r < shape.rows; ++r) {
    const double before = here[shape.losses()].got[std::size_t(r)],
                 after = there[shape.losses()].got[std::size_t(r)];
    if (!reference::same(after, r % 2 == 0 ? 0 : before))
      return fmt::format("the loss of row {} was {:a} and is {:a}", r, before, after);
    for (std::int64_t j = 0; j < shape.columns && shape.gradient && r % 2 == 0; ++j)
      if (const double dx = there[0].got[std::size_t(r * shape.columns + j)];
          !reference::same(dx, 0))
        return fmt::format("row {} counts nothing, and its gradient is {:a} at {}", r, dx, j);
  }
  return {};
}

// Nothing but rows that count nothing: all is 0.
std::string broken_nothing(const subject& s) {
  const case_inputs in = s.with_values(k_targets, [](double) { return -100; });
  for (const bounded_output& each : s.outputs(in))
    if (std::string what = same_bits(each.got, std::vector<double>(each.got.size(), 0));
        !what.empty())
      return what;
  return {};
}

// A mean is a sum over the rows that count; of both, totals and gradients.
std::string broken_mean(const subject& s) {
  case_inputs in = s.inputs();
  const double counted = double(rows_that_count(in));
  if (counted == 0) return {};
  in.id.variant = "sum";
  const entropy_shape shape = entropy_shape::of(s.inputs().id);
  std::vector<bounded_output> mean = s.outputs(), sum = s.with_function(in).outputs();
  for (std::size_t k = 0; k < sum.size(); ++k) {
    const bool losses = k == shape.losses();
    for (std::size_t i = 0; i < sum[k].got.size(); ++i) {
      const double by = losses ? 1 : counted;
      sum[k].got[i] /= by;
      sum[k].reach[i] = sum[k].reach[i] / by + 0x1p-50 * std::abs(sum[k].got[i]);
      if (std::string what = no_number(mean[k], i); !what.empty()) return what;
    }
  }
  return differ_in_reach(mean, sum);
}

// The gradient of a row adds up to 0.
std::string broken_gradient_sum(const subject& s) {
  const entropy_shape shape = entropy_shape::of(s.inputs().id);
  const std::vector<bounded_output> out = s.outputs();
  return each_row(s.inputs(), [&](std::int64_t r, std::span<const double> x) -> std::string {
    const bounded_output dx = gradient_of_row(out, shape, r);
    double sum = 0, room = 0, magnitude = 0;
    for (std::size_t j = 0; j < x.size(); ++j) {
      sum += dx.got[j];
      room += dx.reach[j];
      magnitude += std::abs(dx.got[j]);
    }
    if (!std::isfinite(room)) return {};
    return differ({sum}, {0},
                  {(1 + error_in_double(x.size())) * room + error_in_double(x.size()) * magnitude});
  });
}

// The gradient is softmax minus the one-hot row, times a factor.
std::string broken_difference(const subject& s) {
  const entropy_shape shape = entropy_shape::of(s.inputs().id);
  const std::vector<bounded_output> out = s.outputs();
  return each_row(s.inputs(), [&](std::int64_t r, std::span<const double> x) {
    const bounded_output dx = gradient_of_row(out, shape, r);
    const double factor = factor_of(s.inputs(), shape);
    std::vector<double> expected = reference::softmax(x), allowed = dx.reach;
    expected[std::size_t(target_of(s.inputs(), r))] -= 1;
    for (std::size_t j = 0; j < x.size(); ++j) {
      expected[j] *= factor;
      allowed[j] += error_in_double(x.size()) * std::abs(factor) + 0x1p-1000;
    }
    return differ(dx.got, expected, allowed);
  });
}

// The losses are those of the forward function, bit for bit, and so is their total.
std::string broken_forward(const subject& s) {
  case_inputs in = s.inputs();
  in.id.direction = "fwd";
  std::erase_if(in.id.types, [](const tensor_type& each) { return each.name == "gradient"; });
  std::erase_if(in.id.shape,
                [](const field& each) { return each.key == "scale" || each.key == "inplace"; });
  in.parameters.resize(1);
  const std::vector<bounded_output> here = s.outputs(), there = s.with_function(in).outputs();
  for (std::size_t k = 0; k < 2; ++k)
    if (std::string what = same_bits(here[k + 1].got, there[k].got); !what.empty()) return what;
  return {};
}

}  // namespace

void add_cross_entropy_properties(contract& c) {
  const auto add = [&](const char* statement, std::string (*broken)(const subject&)) {
    c.properties.push_back({statement, broken});
  };
  add("a shift of a row's logits changes no bit", broken_shift);
  add("a loss lies between what the largest logit and what equal ones would make it", broken_ends);
  add("the loss is the negative logarithm of softmax's share", broken_logarithm);
  add("the order of the rows changes no bit of theirs", broken_rows);
  add("columns in another order give the same", broken_columns);
  add("columns that do not count change no bit", broken_padding);
  add("rows that are ignored count nothing", broken_ignored);
  add("of nothing but ignored rows all is 0", broken_nothing);
  if (c.variant == "mean") add("a mean is the sum over the rows that count", broken_mean);
  if (c.direction == "fwd") return;
  add("the gradient of a row adds up to 0", broken_gradient_sum);
  add("the gradient is softmax minus the one-hot row", broken_difference);
  add("the losses are those of the forward function", broken_forward);
}

}  // namespace assay::properties
