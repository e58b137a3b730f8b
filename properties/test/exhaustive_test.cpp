// Every 16-bit input there is, of every element-wise function, forward and derivative, by every
// implementation: nothing outside its bound, and as accurate as stated.

#include "properties/exhaustive.hpp"

#include "properties/test/every.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace assay::properties {
namespace {

class exhaustive : public testing::TestWithParam<pair_under_test> {};

range_summary swept(const pair_under_test& pair, dtype type, std::string& contradiction) {
  exhaustive_sweep sweep({.of = pair.of, .by = pair.by, .type = type});
  while (sweep.done() < sweep.chunks()) sweep.advance();
  contradiction = sweep.contradiction();
  return sweep.total();
}

TEST_P(exhaustive, every_16_bit_input_is_within_the_bound_and_the_stated_accuracy) {
  if (!GetParam().of->elementwise) return;  // a reduction has no list of all its inputs
  for (dtype type : {dtype::bf16, dtype::fp16}) {
    std::string contradiction;
    const range_summary total = swept(GetParam(), type, contradiction);
    EXPECT_EQ(total.inputs, 65536) << name_of(type);
    EXPECT_EQ(total.over, 0) << name_of(type) << ": first at " << total.first_over_at;
    EXPECT_EQ(contradiction, "") << name_of(type);
    EXPECT_TRUE(GetParam().by->domain || total.outside == 0);
  }
}

INSTANTIATE_TEST_SUITE_P(every, exhaustive, testing::ValuesIn(every_implementation()),
                         name_of_pair);

}  // namespace
}  // namespace assay::properties
