// Negative controls of the properties: of every contract that has properties, kernels that are
// wrong on purpose break at least one, and there is no property that nothing breaks.

#include "properties/property.hpp"
#include "properties/test/every.hpp"
#include "properties/values.hpp"
#include "reference/round.hpp"

#include <gtest/gtest.h>

#include <set>

namespace assay::properties {
namespace {

using reference::k_infinity;

// What a wrong kernel gives for element i instead of a result, which may lie as far from the
// mathematics as `reach`.
using spoiling = double (*)(std::size_t i, double result, double reach, reference::format out);

// More than `reach` further up.
double lifted(double result, double reach, reference::format out) {
  return reference::next_up(out, reference::round(out, result + 2 * reach));
}

struct control {
  const char* name;
  spoiling spoil;
};

const control k_controls[] = {
    {"NaN everywhere",
     [](std::size_t, double, double, reference::format) { return reference::k_nan; }},
    {"infinity everywhere",
     [](std::size_t, double, double, reference::format) { return k_infinity; }},
    {"the sign flipped",
     [](std::size_t, double result, double, reference::format) { return -result; }},
    {"the first element one step off",
     [](std::size_t i, double result, double, reference::format out) {
       return i == 0 ? reference::next_up(out, result) : result;
     }}};

// An error of twice the bound shows where errors of the results that a property combines do not
// cancel: all of one sign in sums and where a gradient turns, away from zero in differences.
const control k_beyond_the_bound[] = {
    {"twice the bound upwards", [](std::size_t, double result, double reach,
                                   reference::format out) { return lifted(result, reach, out); }},
    {"twice the bound away from zero",
     [](std::size_t, double result, double reach, reference::format out) {
       return std::copysign(lifted(std::abs(result), reach, out), result);
     }}};

// An honest kernel whose results are spoiled, but not those of other functions.
result_source spoiled(const pair_under_test& pair, spoiling spoil) {
  return [=](const run_id& id, const case_inputs& inputs, const run_settings& settings) {
    if (id.of.function() != pair.of->function()) return outputs_of(id, inputs, settings);
    const subject honest(id, settings);
    std::vector<std::vector<double>> outputs;
    std::size_t k = 0;
    for (const bounded_output& each : honest.outputs(inputs)) {
      const reference::format out = format_of(honest.output_type(k++));
      outputs.emplace_back();
      for (std::size_t i = 0; i < each.got.size(); ++i)
        outputs.back().push_back(spoil(i, each.got[i], each.reach[i], out));
    }
    return outputs;
  };
}

std::set<std::string> broken_by(const pair_under_test& pair, const std::vector<dtype>& types,
                                const result_source& from) {
  case_id id = retyped(pair.of->decoy_case, types);
  if (pair.of->dimensions.size() == 1) id.shape.front().value = 100;
  const subject wrong({id, pair.by->name, "emulator", 0}, {}, from);
  std::set<std::string> statements;
  for (const property& each : pair.of->properties)
    if (!each.broken(wrong).empty()) statements.insert(each.statement);
  return statements;
}

class property_controls : public testing::TestWithParam<pair_under_test> {};

TEST_P(property_controls, honest_kernels_break_none) {
  for (const std::vector<dtype>& types : signatures_of(GetParam()))
    EXPECT_EQ(broken_by(GetParam(), types, outputs_of), std::set<std::string>());
}

TEST_P(property_controls, every_wrong_kernel_breaks_one) {
  for (const std::vector<dtype>& types : signatures_of(GetParam())) {
    for (const control& each : k_controls)
      EXPECT_FALSE(broken_by(GetParam(), types, spoiled(GetParam(), each.spoil)).empty())
          << each.name;
    bool beyond = false;
    for (const control& each : k_beyond_the_bound)
      beyond = beyond || !broken_by(GetParam(), types, spoiled(GetParam(), each.spoil)).empty();
    // Of mish nothing is known but between what it lies, where -infinity is out of its domain.
    const bool unseen = GetParam().of->component == "mish" && GetParam().of->direction == "fwd" &&
                        GetParam().by->domain;
    EXPECT_NE(beyond, unseen) << "twice the bound";
  }
}

TEST_P(property_controls, every_property_is_broken_by_one) {
  std::set<std::string> broken;
  for (const control& each : k_controls)
    broken.merge(
        broken_by(GetParam(), signatures_of(GetParam()).front(), spoiled(GetParam(), each.spoil)));
  for (const property& each : GetParam().of->properties)
    EXPECT_TRUE(broken.contains(each.statement)) << each.statement;
}

INSTANTIATE_TEST_SUITE_P(every, property_controls, testing::ValuesIn(every_implementation()),
                         name_of_pair);

// A comparison of results never takes NaN or infinity for agreement where a number was promised.
TEST(property, results_differ_where_neither_is_a_number) {
  for (double wrong : {reference::k_nan, k_infinity}) {
    EXPECT_NE(differ({wrong}, {wrong}, {1e300}), "");
    EXPECT_NE(differ({wrong}, {1}, {1e300}), "");
    EXPECT_EQ(differ({wrong}, {1}, {k_infinity}), "");
  }
  EXPECT_NE(differ({1}, {1}, {reference::k_nan}), "");
  EXPECT_EQ(differ({1, 2}, {1, 3}, {0, 1}), "");
  EXPECT_NE(differ({1, 2}, {1, 3}, {0, 0.5}), "");
  EXPECT_THROW(differ({1, 2}, {1}, {0}), std::invalid_argument);
}

}  // namespace
}  // namespace assay::properties
