// Cases: what is refused, and with which line; what their inputs and parameters are.

#include "properties/contract.hpp"

#include "properties/harness.hpp"
#include "properties/test/refusal.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::properties {
namespace {

std::string scaled(const std::string& shape, const std::string& from = "normal") {
  return "v1/gelu.scaled.fwd/x=fp32,y=fp32/" + shape + "/dist=" + from + "/seed=1";
}

TEST(contract, takes_the_keys_of_a_shape_in_one_order) {
  EXPECT_EQ(refusal(scaled("n=1023,align=4,inplace=1,alpha=1.5")), "");
  EXPECT_EQ(refusal(scaled("n=1023,alpha=1.5")), "");
  for (const char* shape : {"align=4,n=1023", "alpha=1.5,n=1023", "n=1023,alpha=1.5,align=4",
                            "n=1023,inplace=1,align=4"})
    EXPECT_THAT(refusal(scaled(shape)), testing::HasSubstr("n,align,inplace,pad,alpha")) << shape;
  EXPECT_THAT(refusal(scaled("n=1023,beta=1")), testing::HasSubstr("no dimension or parameter"));
}

TEST(contract, takes_the_parameters_of_a_distribution_in_one_order) {
  EXPECT_EQ(refusal(scaled("n=4", "normal,mean=1,scale=2")), "");
  EXPECT_EQ(refusal(scaled("n=4", "normal,scale=2")), "");
  EXPECT_THAT(refusal(scaled("n=4", "normal,scale=2,mean=1")),
              testing::HasSubstr("'mean' stands too far behind"));
}

TEST(contract, refuses_parameters_that_fp32_does_not_have) {
  for (const char* alpha : {"nan", "inf", "-inf", "1e+300"})
    EXPECT_THAT(refusal(scaled("n=4,alpha=" + std::string(alpha))),
                testing::HasSubstr("alpha=" + std::string(alpha) + " is not a finite"));
  EXPECT_EQ(refusal(scaled("n=4,alpha=1e-300")), "");
}

TEST(contract, refuses_distributions_whose_parameters_are_out_of_range) {
  for (const char* from : {"normal,scale=nan",    "normal,mean=inf",      "normal,scale=-1",
                           "uniform,low=-inf",    "lognormal,sigma=-1",   "lognormal,scale=0",
                           "wide,below=-14",      "wide,below=0.5",       "wide,below=1024",
                           "tails,low=-1",        "tails,low=0",          "tails,high=inf",
                           "exact,largest=-3",    "exact,largest=1e+300", "exact,largest=2.5",
                           "exact,largest=65505", "constant,value=nan",   "one_hot,index=nan",
                           "one_hot,index=-1",    "one_hot,value=nan",    "ill_conditioned,cond=0",
                           "patterns,first=65536"}) {
    const std::string line = refusal(scaled("n=4", from));
    EXPECT_THAT(line, testing::HasSubstr("is not a")) << from;
    EXPECT_THAT(line, testing::HasSubstr(" from ")) << from;
    EXPECT_EQ(line.find('\n'), std::string::npos);
  }
  for (const char* from : {"constant,value=-inf", "exact,largest=65504", "wide,below=-13",
                           "one_hot,index=7,value=inf", "tails,low=1e-40,high=1e+38"})
    EXPECT_EQ(refusal(scaled("n=4", from)), "");
}

TEST(contract, names_extents_as_multiples_of_dimensions) {
  EXPECT_EQ(named_extent::of("c").times, 1);
  EXPECT_EQ(named_extent::of("c").dimension, "c");
  EXPECT_EQ(named_extent::of("12heads").times, 12);
  EXPECT_EQ(named_extent::of("12heads").dimension, "heads");
  const case_id id = parse_case(
      "v1/multi_head.dense.fwd/x=fp32,w_qkv=fp32,b_qkv=fp32,w_out=fp32,b_out=fp32,y=fp32/"
      "batch=2,t=3,c=8,pad=5,heads=4/dist=normal/seed=1");
  const contract& c = contract_of(id);
  EXPECT_EQ(shape_of(c.inputs[1], id), (std::vector<std::int64_t>{8, 24}));
  EXPECT_EQ(shape_of(c.inputs[2], id), std::vector<std::int64_t>{24});
  EXPECT_EQ(elements_of(c, id), 8 * 24);
  EXPECT_EQ(piece_elements_of(c, id), 3 * 8);
  // x, w_qkv, w_out and y have rows; biases have not.
  EXPECT_EQ(strides_of(c, id, 0), (std::vector<std::int64_t>{3 * 13, 13, 1}));
  EXPECT_EQ(strides_of(c, id, 1), (std::vector<std::int64_t>{34, 1}));
  EXPECT_EQ(strides_of(c, id, 2), std::vector<std::int64_t>());
  EXPECT_EQ(strides_of(c, id, 3), (std::vector<std::int64_t>{23, 1}));
  EXPECT_EQ(strides_of(c, id, 5), (std::vector<std::int64_t>{3 * 28, 28, 1}));
}

// Of linear layers x and w have gaps too, whichever dimension is their last.
TEST(contract, has_gaps_in_the_rows_of_other_dimensions_that_it_names) {
  const case_id id = parse_case(
      "v1/linear.out_in.bwd/x=fp32,w=fp32,dy=fp32,dx=fp32,dw=fp32,db=fp32/"
      "rows=2,in=3,out=7,pad=5/dist=normal/seed=1");
  const contract& c = contract_of(id);
  std::size_t tensor = 0;
  for (const std::int64_t row : {3 + 5, 3 + 10, 7 + 15, 3 + 20, 3 + 25})
    EXPECT_EQ(strides_of(c, id, tensor++), (std::vector<std::int64_t>{row, 1}));
  EXPECT_EQ(strides_of(c, id, tensor), std::vector<std::int64_t>());
}

TEST(contract, refuses_dimensions_that_a_parameter_does_not_divide) {
  const std::string tensors =
      "v1/multi_head.dense.fwd/x=fp32,w_qkv=fp32,b_qkv=fp32,w_out=fp32,b_out=fp32,y=fp32/";
  const auto of = [&](const std::string& shape) {
    return refusal(tensors + shape + "/dist=normal/seed=1");
  };
  EXPECT_EQ(of("batch=1,t=1,c=12,heads=3"), "");
  EXPECT_EQ(of("batch=1,t=1,c=12"), "");
  EXPECT_EQ(of("batch=1,t=1,c=0,heads=3"), "");
  EXPECT_THAT(of("batch=1,t=1,c=12,heads=5"),
              testing::HasSubstr("c=12 is not a multiple of heads=5"));
  EXPECT_THAT(of("batch=1,t=1,c=12,heads=0"), testing::HasSubstr("heads=0 is not a number from 1"));
}

// Kernels take a parameter as fp32: truth and bound are those of that number.
TEST(contract, rounds_parameters_to_fp32) {
  const case_id id = parse_case(scaled("n=4,alpha=1.7"));
  EXPECT_EQ(make_inputs(contract_of(id), id).parameters, std::vector{double(1.7f)});
}

std::int64_t unbounded(const prepared_case& prepared, const implementation& by) {
  const std::vector<std::vector<double>> limits = strict_limits(prepared, by);
  std::int64_t count = 0;
  for (std::size_t k = 0; k < limits.size(); ++k) {
    const std::vector<bool> promised = promised_elements(prepared, by, k);
    for (std::size_t i = 0; i < promised.size(); ++i)
      count += promised[i] && limits[k][i] == reference::k_infinity;
  }
  return count;
}

// dalpha sums terms of every exponent that the case allows: none of them may overflow on the way.
TEST(contract, its_wide_cases_have_a_bound_whatever_the_seed) {
  for (const contract& c : contracts())
    for (case_id id : c.cases)
      for (id.seed = 100; id.distribution.name == "wide" && id.seed < 130; ++id.seed) {
        const prepared_case prepared = prepare(id);
        for (const implementation& by : c.implementations)
          EXPECT_EQ(unbounded(prepared, by), 0) << print(id) << " " << by.name;
      }
}

}  // namespace
}  // namespace assay::properties
