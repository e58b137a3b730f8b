// assay judge: what another program computed, held to a bound.

#include "tools/assay/test/run_command.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

namespace assay::tools::test {
namespace {

using namespace properties;
using testing::HasSubstr;

class judge : public run {
 protected:
  void claim(const std::vector<stored_tensor>& tensors) const {
    write_safetensors(path("got"), {tensors, {}});
  }
  ended judged(const std::string& function, const std::string& by,
               std::vector<std::string> more = {}) const {
    std::vector<std::string> all = {"judge", function, "--impl", by, "--in", "in", "--got", "got"};
    all.insert(all.end(), more.begin(), more.end());
    return assay(all);
  }
};

TEST_F(judge, passes_the_truth_and_refuses_what_is_out_of_bound) {
  const std::vector<double> x = {-3, -0.5, 0.25, 2};
  give({tensor("x", dtype::fp32, {2, 2}, x)});
  EXPECT_EQ(run_on("reference", "gelu.erf.fwd").code, 0);
  std::vector<double> y = values(result().at("y"));
  claim({tensor("y", dtype::fp32, {2, 2}, y)});
  const ended good = judged("gelu.erf.fwd", "fused");
  EXPECT_EQ(good.code, 0) << good.err;
  EXPECT_THAT(good.out, HasSubstr("passed"));

  // Ten ULPs of one element, where the implementation states fewer than two.
  y[3] += 10 * std::ldexp(1, -23) * y[3];
  claim({tensor("y", dtype::fp32, {2, 2}, y)});
  const ended bad = judged("gelu.erf.fwd", "fused", {"--json"});
  EXPECT_EQ(bad.code, 1);
  const nlohmann::json told = bad.json().at("outputs").at(0);
  EXPECT_EQ(told.at("tensor"), "y");
  EXPECT_EQ(told.at("strict").at("worst").at("index"), 3);
  EXPECT_GT(told.at("strict").at("worst_fraction"), 1.0);

  claim({tensor("y", dtype::fp32, {2, 2}, {NAN, NAN, NAN, NAN})});
  EXPECT_EQ(judged("gelu.erf.fwd", "fused").code, 1);
}

TEST_F(judge, takes_some_of_the_outputs_and_parameters) {
  give({tensor("q", dtype::fp32, {1, 2, 1, 1, 2}, {1, 0, 0, 1}),
        tensor("k", dtype::fp32, {1, 2, 1, 2}, {1, 0, 0, 1}),
        tensor("v", dtype::fp32, {1, 2, 1, 2}, {3, 3, 5, 5})});
  const double half = (std::exp(0.5) * 5 + 3) / (std::exp(0.5) + 1);
  claim({tensor("o", dtype::fp32, {1, 2, 1, 1, 2}, {3, 3, half, half})});
  const ended half_scale =
      judged("attention.causal.fwd", "flash_simple", {"--param", "scale=0.5", "--json"});
  EXPECT_EQ(half_scale.code, 0) << half_scale.err;
  EXPECT_EQ(half_scale.json().at("outputs").size(), 1u);
  EXPECT_EQ(judged("attention.causal.fwd", "flash_simple", {"--param", "scale=1"}).code, 1);
}

TEST_F(judge, refuses_what_is_no_output) {
  give({tensor("x", dtype::bf16, {2}, {1, 2})});
  claim({tensor("y", dtype::bf16, {2}, {1, 2})});
  EXPECT_EQ(judged("relu.plain.fwd", "select").code, 0);
  expect_refused(judged("relu.plain.fwd", "selct"), "no implementation 'selct'");
  expect_refused(judged("relu.plain.fwd", "select", {"--param", "alpha=1"}), "no parameter");
  claim({tensor("y", dtype::fp32, {2}, {1, 2})});
  expect_refused(judged("relu.plain.fwd", "select"), "'y' is fp32; expected bf16");
  claim({tensor("y", dtype::bf16, {1}, {1})});
  expect_refused(judged("relu.plain.fwd", "select"), "'y' is [1]; expected [2]");
  claim({tensor("z", dtype::bf16, {2}, {1, 2})});
  expect_refused(judged("relu.plain.fwd", "select"), "no output 'z'");
  claim({});
  expect_refused(judged("relu.plain.fwd", "select"), "holds no output");
}

}  // namespace
}  // namespace assay::tools::test
