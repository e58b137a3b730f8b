// Every property of every contract, for every implementation and dtype, on cases that RapidCheck
// makes and shrinks, on the emulator and, where there is one, on a GPU.

#include "properties/property.hpp"
#include "properties/test/every.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <sstream>

namespace assay::properties {
namespace {

class properties_of : public testing::TestWithParam<pair_under_test> {};

constexpr int k_cases = 12;  // of each dtype

case_id any_case(const contract& c, const std::vector<dtype>& types) {
  case_id id = retyped(c.decoy_case, types);
  const std::size_t dimensions = c.dimensions.size();
  for (std::size_t d = 0; d < dimensions; ++d)
    id.shape[d].value = *rc::gen::inRange<std::int64_t>(1, dimensions == 1      ? 600
                                                           : d + 1 < dimensions ? 12
                                                                                : 70);
  id.distribution.name =
      *rc::gen::element<std::string>("normal", "uniform", "wide", "tails", "special");
  id.seed = *rc::gen::inRange<std::uint64_t>(0, 1u << 30);
  for (field& each : id.shape)
    if (each.key == "alpha")
      each.value = *rc::gen::element<double>(0.75, 1, 1.702f, -1.702f, 4, 0, 0x1p-130);
  // Arrays that are misaligned against each other, that share their misalignment, that are aligned.
  const std::int64_t align = *rc::gen::element<std::int64_t>(size_of(types[0]), 8, 16);
  const std::int64_t pad = c.takes_gaps ? *rc::gen::element<std::int64_t>(0, 3, 8) : 0;
  fields layout = {{"align", align}};
  if (pad > 0) layout.push_back({"pad", pad});
  id.shape.insert(id.shape.begin() + std::ptrdiff_t(dimensions), layout.begin(), layout.end());
  return id;
}

// What RapidCheck found, shrunk, or nothing. (rc::check would take its number of cases from the
// environment.)
std::string counterexample(const property& each, const pair_under_test& pair,
                           const std::vector<dtype>& types, const std::string& backend) {
  const auto result = rc::detail::checkTestable(
      [&] {
        const run_id id{any_case(*pair.of, types), pair.by->name, backend, 0};
        const std::string broken = each.broken(subject(id, {}));
        if (!broken.empty()) RC_FAIL(print(id) + ": " + broken);
      },
      rc::detail::TestMetadata{pair.of->function(), each.statement},
      rc::detail::TestParams{.seed = 1, .maxSuccess = k_cases});
  if (result.is<rc::detail::SuccessResult>()) return {};
  std::ostringstream text;
  rc::detail::printResultMessage(result, text);
  return text.str();
}

TEST_P(properties_of, hold_on_any_case) {
  ASSERT_FALSE(GetParam().of->properties.empty());
  for (const std::string backend : {"emulator", "cuda"}) {
    if (!backend_named(backend, {})) continue;  // no device
    for (const property& each : GetParam().of->properties)
      for (const std::vector<dtype>& types : GetParam().of->signatures)
        EXPECT_EQ(counterexample(each, GetParam(), types, backend), "") << each.statement;
  }
}

INSTANTIATE_TEST_SUITE_P(every, properties_of, testing::ValuesIn(every_implementation()),
                         name_of_pair);

}  // namespace
}  // namespace assay::properties
