#include "properties/distribution.hpp"

#include "properties/bad_input.hpp"
#include "properties/ieee_math.hpp"
#include "properties/nearest.hpp"
#include "properties/values.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace assay::properties {
namespace {

using parameters = std::span<const double>;
constexpr double k_log2_e = 0x1.71547652b82fep+0;

// A standard normal value by the polar method (Marsaglia and Bray 1964): of two uniform coordinates
// inside the unit disc only one is used, so that every element has a stream of its own.
double normal(element_stream& stream) {
  for (;;) {
    const double u = 2 * stream.uniform() - 1, v = 2 * stream.uniform() - 1, s = u * u + v * v;
    if (s > 0x1p-60 && s < 1) return u * std::sqrt(-2 * ieee_log(s) / s);
  }
}

double sign(element_stream& stream) { return stream.word() & 1 ? -1 : 1; }

double draw_normal(const element_site& site, parameters p) {
  element_stream stream = site.stream();
  return p[0] + p[1] * normal(stream);
}

double draw_uniform(const element_site& site, parameters p) {
  return p[0] + (p[1] - p[0]) * site.stream().uniform();
}

double draw_lognormal(const element_site& site, parameters p) {
  element_stream stream = site.stream();
  return p[1] * ieee_exp2(std::clamp(p[0] * normal(stream) * k_log2_e, -900.0, 900.0));
}

// Every exponent of the dtype's normal numbers, up to a last one, is equally likely.
double draw_wide(const element_site& site, parameters p) {
  element_stream stream = site.stream();
  const reference::format f = format_of(site.type);
  const int below = std::min(f.e_max, int(p[0]));
  const int exponent = f.e_min + int(stream.below(std::uint32_t(below - f.e_min)));
  return sign(stream) * (1 + stream.uniform()) * std::ldexp(1.0, exponent);
}

// Magnitudes from where an activation's curve ends to where its tail underflows, log-uniform.
double draw_tails(const element_site& site, parameters p) {
  element_stream stream = site.stream();
  const double low = ieee_log(p[0]), high = ieee_log(p[1]);
  return sign(stream) * ieee_exp2((low + (high - low) * stream.uniform()) * k_log2_e);
}

// Half of the elements are the dtype's special values, the others normal.
double draw_special(const element_site& site, parameters) {
  element_stream stream = site.stream();
  const reference::format f = format_of(site.type);
  const double least = std::ldexp(1.0, f.e_min - f.precision + 1), tiny = std::ldexp(1.0, f.e_min);
  const double ulp_of_one = std::ldexp(1.0, 1 - f.precision);
  const double values[] = {0,
                           least,
                           3 * least,
                           tiny - least,
                           tiny,
                           tiny + least,
                           std::ldexp(2 - ulp_of_one, f.e_max),
                           0.5,
                           1,
                           1 + ulp_of_one,
                           2,
                           std::numeric_limits<double>::infinity(),
                           std::numeric_limits<double>::quiet_NaN()};
  if (stream.word() & 1) return normal(stream);
  return sign(stream) * values[stream.below(std::size(values))];
}

double draw_exact(const element_site& site, parameters p) {
  return double(site.stream().below(std::uint32_t(2 * p[0] + 1))) - p[0];
}

double draw_constant(const element_site&, parameters p) { return p[0]; }

double draw_one_hot(const element_site& site, parameters p) {
  return site.index == std::uint64_t(p[0]) % site.count ? p[1] : 0;
}

// Thirds of the tensor: v, then its exact negatives, then |v| / cond of other draws. The large
// parts cancel in every dtype, so that sum |x| is about 2 cond |sum x|.
double draw_ill_conditioned(const element_site& site, parameters p) {
  const std::uint64_t third = site.count / 3;
  element_site source = site;
  if (site.index >= third && site.index < 2 * third) source.index -= third;
  element_stream stream = source.stream();
  const double value = normal(stream);
  if (site.index >= 2 * third) return std::abs(value) / p[0];
  return site.index < third ? value : -value;
}

// Bit patterns: all of a 16-bit dtype's in order; for wider ones, patterns drawn at random.
double draw_patterns(const element_site& site, parameters p) {
  if (size_of(site.type) == 2)
    return decode(site.type, (site.index + std::uint64_t(p[0])) & 0xffff);
  return decode(dtype::fp32, site.stream().word());
}

// Ranges of parameters: fp32's numbers, their magnitudes, and anything but NaN.
constexpr double k_max = 0x1.fffffep127, k_least = 0x1p-149, k_any = reference::k_infinity;

const std::vector<distribution_info>& table() {
  static const std::vector<distribution_info> k_table = {
      {"normal",
       "normal with the given mean and scale",
       {{{"mean", 0}, -k_max, k_max}, {{"scale", 1}, 0, k_max}},
       true,
       draw_normal},
      {"uniform",
       "uniform on [low, high)",
       {{{"low", -1}, -k_max, k_max}, {{"high", 1}, -k_max, k_max}},
       true,
       draw_uniform,
       true},
      {"lognormal",
       "scale e^(sigma z), z normal: positive, heavy-tailed",
       {{{"sigma", 1}, 0, 600}, {{"scale", 1}, k_least, k_max}},
       true,
       draw_lognormal},
      {"wide",
       "every exponent of the dtype up to 2^below equally likely, either sign",
       {{{"below", 1023}, -13, 1023, true}},
       true,
       draw_wide},
      {"tails",
       "magnitude log-uniform on [low, high), either sign",
       {{{"low", 1}, k_least, k_max}, {{"high", 32}, k_least, k_max}},
       true,
       draw_tails,
       true},
      {"special",
       "half zeros, subnormals, extremes, infinities and NaNs, half normal",
       {},
       false,
       draw_special},
      {"exact",
       "integers of at most `largest` in magnitude",
       {{{"largest", 8}, 0, 65504, true}},
       false,
       draw_exact},
      {"constant",
       "the same value everywhere",
       {{{"value", 1}, -k_any, k_any}},
       false,
       draw_constant},
      {"one_hot",
       "`value` at `index`, zero elsewhere",
       {{{"index", 0}, 0, 0x1p53, true}, {{"value", 1}, -k_any, k_any}},
       false,
       draw_one_hot},
      {"ill_conditioned",
       "large parts that cancel: sum |x| is about 2 cond |sum x|",
       {{{"cond", 1e6}, 1, k_max}},
       false,
       draw_ill_conditioned},
      {"patterns",
       "all 2^16 bit patterns in order; of fp32, patterns at random",
       {{{"first", 0}, 0, 65535, true}},
       false,
       draw_patterns},
  };
  return k_table;
}

void refuse_unknown_or_misplaced(const distribution_info& info, const fields& given) {
  const auto named = [](const std::string& key) {
    return [&key](const distribution_parameter& p) { return p.key == key; };
  };
  auto next = info.parameters.begin();
  for (const field& each : given) {
    if (std::none_of(info.parameters.begin(), info.parameters.end(), named(each.key)))
      throw bad_input("distribution '{}' has no parameter '{}'", info.name, each.key);
    next = std::find_if(next, info.parameters.end(), named(each.key));
    if (next == info.parameters.end())
      throw bad_input(
          "distribution '{}': parameter '{}' stands too far behind (assay list "
          "--distributions gives the order)",
          info.name, each.key);
  }
}

}  // namespace

std::span<const distribution_info> distributions() { return table(); }

distribution::distribution(const distribution_id& id) {
  std::vector<std::string> known;
  info_ = nullptr;
  for (const distribution_info& info : distributions()) {
    if (info.name == id.name) info_ = &info;
    known.emplace_back(info.name);
  }
  if (!info_) throw bad_input("unknown distribution '{}'; {}", id.name, suggestion(id.name, known));
  refuse_unknown_or_misplaced(*info_, id.parameters);
  for (const distribution_parameter& each : info_->parameters) {
    const number given = value_of(id.parameters, each.key, each.value);
    const double value = given.as_double();
    if (!(value >= each.least && value <= each.most) || (each.whole && !given.is_integer()))
      throw bad_input("distribution '{}': {}={} is not {} from {} to {}", id.name, each.key,
                      given.text(), each.whole ? "an integer" : "a number",
                      number(each.least).text(), number(each.most).text());
    parameters_.push_back(value);
  }
  if (info_->interval && !(parameters_[0] <= parameters_[1]))
    throw bad_input("distribution '{}': from {} to {} is no interval", id.name,
                    number(parameters_[0]).text(), number(parameters_[1]).text());
}

double distribution::element(const element_site& site) const {
  return round_to(site.type, info_->draw(site, parameters_));
}

}  // namespace assay::properties
