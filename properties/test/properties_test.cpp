// Every property of every contract, for every implementation and dtype, on cases that RapidCheck
// makes and shrinks, on the emulator and, where there is one, on a GPU.

#include "properties/arbitrary.hpp"
#include "properties/property.hpp"
#include "properties/test/every.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <sstream>

namespace assay::properties {
namespace {

class properties_of : public testing::TestWithParam<pair_under_test> {};

constexpr int k_cases = 12;  // of each dtype

// What RapidCheck found, shrunk, or nothing. (rc::check would take its number of cases from the
// environment.)
std::string counterexample(const property& each, const pair_under_test& pair,
                           const std::vector<dtype>& types, const std::string& backend) {
  const auto result = rc::detail::checkTestable(
      [&] {
        const run_id id = *any_run({pair.of, pair.by, types, backend});
        if (pair.by->declines && !pair.by->declines(id.of).empty()) return;  // shrunk too far
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
      for (const std::vector<dtype>& types : signatures_of(GetParam()))
        EXPECT_EQ(counterexample(each, GetParam(), types, backend), "") << each.statement;
  }
}

INSTANTIATE_TEST_SUITE_P(every, properties_of, testing::ValuesIn(every_implementation()),
                         name_of_pair);

}  // namespace
}  // namespace assay::properties
