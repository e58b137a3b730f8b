#include "bench/roof.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace assay::bench {
namespace {

TEST(accounting_error, is_a_figure_above_the_measured_roof) {
  EXPECT_EQ(accounting_error(4e9, 5e9), "");
  EXPECT_EQ(accounting_error(5e9, 5e9), "");
  EXPECT_NE(accounting_error(5.01e9, 5e9).find("5.01e+09 bytes a second are more than the 5e+09"),
            std::string::npos);
  EXPECT_NE(accounting_error(std::numeric_limits<double>::infinity(), 5e9), "");
  EXPECT_NE(accounting_error(std::numeric_limits<double>::quiet_NaN(), 5e9), "");
  EXPECT_EQ(accounting_error(5e9, 0), "");  // no roof was measured
}

TEST(host_copy_bandwidth, is_that_of_memory) {
  EXPECT_GT(host_copy_bandwidth(), 1e8);   // bytes a second; below, the clock is wrong
  EXPECT_LT(host_copy_bandwidth(), 1e13);  // above any machine's memory
}

}  // namespace
}  // namespace assay::bench
