#include "properties/bad_input.hpp"
#include "tools/gpt2/executor.hpp"
#include "tools/gpt2/operation_case.hpp"

#include <algorithm>
#include <string_view>

namespace assay::gpt2 {
namespace {

// From the one that should be fastest by its design to the one that is only to be read; no GPU has
// timed them yet. Kernels that are not listed come last, in the order of their contract.
constexpr std::string_view k_order[] = {
    "flash_mma", "mma",          "words",    "block",      "double_sums", "two_stage",
    "staged",    "shifted",      "one_pass", "sorted",     "gather",      "vector",
    "fused",     "flash_simple", "tiled",    "three_pass", "two_pass",    "naive"};

std::size_t place_of(const std::string& name) {
  return std::size_t(std::find(std::begin(k_order), std::end(k_order), name) - std::begin(k_order));
}

bool takes(const properties::implementation& by, const properties::case_id& id) {
  const dtype type = id.types[0].type;
  const bool has_kernels =
      by.dtypes.empty() || std::find(by.dtypes.begin(), by.dtypes.end(), type) != by.dtypes.end();
  return by.deterministic && has_kernels && (!by.declines || by.declines(id).empty());
}

}  // namespace

kernel_choice fastest_kernels(simt::build where) {
  return [where](const operation& of, const plan& in) {
    const properties::contract& c = contract_of(of);
    const properties::case_id id = case_of(of, in);
    const optimized::launcher* best = nullptr;
    std::size_t place = 0;
    for (const properties::implementation& each : c.implementations) {
      const optimized::launcher* const found =
          optimized::find_launcher(where, of.function, each.name);
      if (!found || !takes(each, id) || (best && place <= place_of(each.name))) continue;
      best = found;
      place = place_of(each.name);
    }
    if (!best) throw bad_input("there is no kernel for {} ({})", of.name, of.function);
    return *best;
  };
}

}  // namespace assay::gpt2
