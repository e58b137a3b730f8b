#include "tools/gpt2/initial_weights.hpp"

#include "properties/distribution.hpp"

#include <xxhash.h>

#include <cmath>

namespace assay::gpt2 {
namespace {

constexpr double k_deviation = 0.02;

bool ends_with(const std::string& name, std::string_view end) { return name.ends_with(end); }

double deviation_of(const std::string& name, const gpt2_config& config) {
  const bool ends_on_residual = config.residuals && ends_with(name, "c_proj.weight");
  return ends_on_residual ? k_deviation / std::sqrt(2.0 * double(config.layers)) : k_deviation;
}

std::vector<double> drawn_values(const reference::gpt2_parameter& of, const gpt2_config& config,
                                 std::uint64_t seed, dtype type) {
  const properties::distribution normal(
      {"normal", {{"mean", 0.0}, {"scale", deviation_of(of.name, config)}}});
  const auto count = std::uint64_t(of.extents.count());
  properties::element_site site{seed, std::uint32_t(XXH64(of.name.data(), of.name.size(), 0)), 0,
                                count, type};
  std::vector<double> values(count);
  for (double& each : values) {
    each = normal.element(site);
    ++site.index;
  }
  return values;
}

}  // namespace

model initial_model(const gpt2_config& config, std::uint64_t seed, dtype type) {
  model result{config, {}, type};
  for (const reference::gpt2_parameter& each : parameters_of(config)) {
    const bool is_norm = each.name.find("ln_") != std::string::npos;
    const bool is_drawn = !is_norm && !ends_with(each.name, ".bias");
    std::vector<double> values =
        is_drawn ? drawn_values(each, config, seed, type)
                 : std::vector<double>(std::size_t(each.extents.count()),
                                       is_norm && ends_with(each.name, ".weight") ? 1 : 0);
    result.parameters.emplace(each.name,
                              reference::tensor<double>(each.extents, std::move(values)));
  }
  return result;
}

}  // namespace assay::gpt2
