// assay run of functions whose inputs name rows and columns: ids of tokens, targets.

#include "tools/assay/test/run_command.hpp"

#include <gmock/gmock.h>

namespace assay::tools::test {
namespace {

using namespace properties;

std::vector<stored_tensor> embedding_of(const std::vector<double>& ids) {
  return {tensor("ids", dtype::int32, {2, 2}, ids),
          tensor("tokens", dtype::fp16, {3, 2}, {0, 1, 10, 11, 20, 21}),
          tensor("positions", dtype::fp16, {2, 2}, {0.5, 0.25, -0.5, -0.25})};
}

TEST_F(run, gives_the_embedding_of_ids) {
  give(embedding_of({2, 0, 1, 1}));
  for (const char* where : {"reference", "emulator"}) {
    const ended told = run_on(where, "embedding.tokens.fwd");
    ASSERT_EQ(told.code, 0) << told.err;
    EXPECT_EQ(result().at("x").shape, (std::vector<std::int64_t>{2, 2, 2}));
    EXPECT_EQ(values(result().at("x")),
              (std::vector<double>{20.5, 21.25, -0.5, 0.75, 10.5, 11.25, 9.5, 10.75}));
  }
}

TEST_F(run, refuses_ids_that_are_no_tokens) {
  for (const auto& [id, text] : {std::pair{3, "3"}, {-1, "-1"}}) {
    give(embedding_of({2, 0, 1, double(id)}));
    for (const char* where : {"reference", "emulator"})
      expect_refused(run_on(where, "embedding.tokens.fwd"),
                     std::string("tensor 'ids' has ") + text + " at [1, 1]; expected 0 to 2");
  }
  std::vector<stored_tensor> longer = embedding_of({2, 0, 1, 1});
  longer[2] = tensor("positions", dtype::fp16, {1, 2}, {0.5, 0.25});
  give(longer);
  expect_refused(run_on("emulator", "embedding.tokens.fwd"), "t=2 is more than positions=1");
}

// Its inputs do not tell how many tokens and positions there are.
TEST_F(run, adds_gradients_of_ids_up) {
  give({tensor("dx", dtype::fp32, {2, 2, 1}, {1, 2, 4, 8}),
        tensor("ids", dtype::int32, {2, 2}, {2, 0, 2, 2})});
  for (const char* where : {"reference", "emulator"}) {
    const ended told =
        run_on(where, "embedding.tokens.bwd", {"--size", "v=4", "--size", "positions=3"});
    ASSERT_EQ(told.code, 0) << told.err;
    EXPECT_EQ(values(result().at("dtokens")), (std::vector<double>{2, 0, 13, 0}));
    EXPECT_EQ(values(result().at("dpositions")), (std::vector<double>{5, 10, 0}));
    expect_refused(run_on(where, "embedding.tokens.bwd", {"--size", "v=4"}),
                   "do not tell its 'positions': --size positions=N");
    for (const auto& [size, because] : {std::pair{"t=2", "--size t=2: the inputs tell it"},
                                        {"n=2", "has no dimension 'n'"},
                                        {"v=-1", "'-1' is no size"},
                                        {"v", "'' is no size"}})
      expect_refused(run_on(where, "embedding.tokens.bwd", {"--size", size}), because);
  }
}

std::vector<stored_tensor> logits_of(const std::vector<double>& targets) {
  return {tensor("logits", dtype::fp32, {3, 3}, {7, 7, 100, -2, -2, 100, 0, 1, 100}),
          tensor("targets", dtype::int32, {3}, targets)};
}

// Of two equal logits each loss is log 2, and the gradient 1/2 and -1/2; the third does not count.
TEST_F(run, gives_cross_entropy_and_its_gradient) {
  give(logits_of({0, 1, -100}));
  for (const char* where : {"reference", "emulator"}) {
    const ended told = run_on(where, "cross_entropy.mean.bwd", {"--param", "live=2"});
    ASSERT_EQ(told.code, 0) << told.err;
    const double log_2 = 0x1.62e43p-1;  // in fp32
    EXPECT_EQ(values(result().at("losses")), (std::vector<double>{log_2, log_2, 0}));
    EXPECT_EQ(values(result().at("total")), std::vector<double>{log_2});
    EXPECT_EQ(values(result().at("gradient")),
              (std::vector<double>{-0.25, 0.25, 0, 0.25, -0.25, 0, 0, 0, 0}));
  }
}

TEST_F(run, refuses_targets_that_are_no_columns) {
  give(logits_of({0, 2, -100}));
  EXPECT_EQ(run_on("reference", "cross_entropy.sum.fwd").code, 0);
  expect_refused(run_on("reference", "cross_entropy.sum.fwd", {"--param", "live=2"}),
                 "tensor 'targets' has 2 at [1]; expected 0 to 1, or less than 0");
  expect_refused(run_on("emulator", "cross_entropy.sum.fwd", {"--param", "live=4"}),
                 "live=4 is more than v=3");
}

}  // namespace
}  // namespace assay::tools::test
