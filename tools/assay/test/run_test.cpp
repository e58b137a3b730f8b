// assay run: tensors in, tensors out, on the reference and on kernels.

#include "tools/assay/test/run_command.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <csignal>

namespace assay::tools::test {
namespace {

using namespace properties;
using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<double> k_x = {-3, -0.5, -0.0, 0.0, 0.25, 2, INFINITY, -INFINITY};

TEST_F(run, computes_what_the_contract_says_everywhere) {
  for (dtype type : {dtype::fp32, dtype::bf16, dtype::fp16}) {
    give({tensor("x", type, {2, 4}, k_x)});
    for (const char* where : {"reference", "emulator"}) {
      const ended told = run_on(where, "relu.plain.fwd");
      EXPECT_EQ(told.code, 0) << told.err;
      EXPECT_EQ(told.out + told.err, "");
      const tensor_file file = result();
      ASSERT_EQ(file.tensors.size(), 1u);
      EXPECT_EQ(file.at("y").type, type);
      EXPECT_EQ(file.at("y").shape, (std::vector<std::int64_t>{2, 4}));
      EXPECT_THAT(values(file.at("y")), ElementsAre(0, 0, 0, 0, 0.25, 2, INFINITY, 0));
      EXPECT_EQ(file.metadata.at("function"), "relu.plain.fwd");
      EXPECT_EQ(file.metadata.at("on"), where);
    }
  }
}

// Lengths are I32, and those beyond either end count as that end.
TEST_F(run, takes_lengths_of_integers) {
  for (const char* where : {"reference", "emulator"}) {
    give({tensor("x", dtype::fp32, {4, 1, 2}, {0, 0, 5, 5, 7, 7, 1, 1}),
          tensor("lengths", dtype::int32, {4}, {1, -3, 2, 2000000000})});
    EXPECT_EQ(run_on(where, "softmax.padding.fwd").code, 0);
    EXPECT_THAT(values(result().at("y")), ElementsAre(1, 0, 0, 0, 0.5, 0.5, 0.5, 0.5));
  }
  give({tensor("x", dtype::fp32, {1, 1, 2}, {0, 0}), tensor("lengths", dtype::fp32, {1}, {1})});
  expect_refused(run_on("reference", "softmax.padding.fwd"), "does not take inputs of fp32, fp32");
  give({tensor("x", dtype::fp32, {1, 1, 2}, {0, 0}), tensor("lengths", dtype::int32, {2}, {1, 1})});
  expect_refused(run_on("reference", "softmax.padding.fwd"), "'lengths' has batch = 2");
  give({tensor("x", dtype::int32, {2}, {0, 0})});
  expect_refused(run_on("reference", "relu.plain.fwd"), "does not take inputs of int32");
}

TEST_F(run, gives_the_correctly_rounded_truth_and_the_unrounded_one) {
  give({tensor("x", dtype::bf16, {3}, {1, -1, 0.5})});
  EXPECT_EQ(run_on("reference", "silu.plain.fwd").code, 0);
  const auto silu = [](double x) { return x / (1 + std::exp(-x)); };
  EXPECT_THAT(values(result().at("y")),
              ElementsAre(round_to(dtype::bf16, silu(1)), round_to(dtype::bf16, silu(-1)),
                          round_to(dtype::bf16, silu(0.5))));
  EXPECT_EQ(run_on("reference", "silu.plain.fwd", {"--unrounded"}).code, 0);
  EXPECT_EQ(result().at("y").type, dtype::fp64);
  EXPECT_DOUBLE_EQ(values(result().at("y"))[0], silu(1));
  expect_refused(run_on("emulator", "silu.plain.fwd", {"--unrounded"}), "is the reference's");
}

TEST_F(run, agrees_between_reference_and_emulator_where_rounding_is_correct) {
  std::vector<double> x;
  for (int i = 0; i < 1000; ++i) x.push_back(-6 + 0.012 * i);
  give({tensor("x", dtype::bf16, {10, 10, 10}, x), tensor("dy", dtype::bf16, {10, 10, 10}, x)});
  EXPECT_EQ(run_on("reference", "relu.plain.bwd").code, 0);
  const std::string expected = contents("out").substr(contents("out").size() - 2000);
  EXPECT_EQ(run_on("emulator", "relu.plain.bwd").code, 0);
  EXPECT_EQ(contents("out").substr(contents("out").size() - 2000), expected);
}

TEST_F(run, takes_parameters_and_names_of_kernels) {
  give({tensor("x", dtype::fp32, {2}, {1, 2})});
  EXPECT_EQ(run_on("reference", "gelu.scaled.fwd", {"--param", "alpha=0"}).code, 0);
  EXPECT_THAT(values(result().at("y")), ElementsAre(0, 0));
  EXPECT_EQ(run_on("emulator", "gelu.erf.fwd", {"--impl", "naive"}).code, 0);
  expect_refused(run_on("emulator", "gelu.erf.fwd", {"--impl", "naif"}), "did you mean naive");
  EXPECT_EQ(result().metadata.at("implementation"), "naive");
  expect_refused(run_on("reference", "gelu.erf.fwd", {"--impl", "naive"}), "the reference is none");
  expect_refused(run_on("reference", "gelu.erf.fwd", {"--param", "alpha=1"}),
                 "no parameter 'alpha");
  expect_refused(run_on("reference", "gelu.scaled.fwd", {"--param", "alpha"}), "NAME=VALUE");
  expect_refused(run_on("reference", "gelu.scaled.fwd", {"--param", "alpha=1x"}),
                 "'1x' is not a number");
  expect_refused(
      run_on("reference", "gelu.scaled.fwd", {"--param", "alpha=1", "--param", "alpha=2"}),
      "given twice");
}

TEST_F(run, takes_nothing_and_a_single_number) {
  give({tensor("x", dtype::fp32, {0}, {})});
  for (const char* where : {"reference", "emulator"}) {
    EXPECT_EQ(run_on(where, "mish.plain.fwd").code, 0);
    EXPECT_EQ(result().at("y").shape, std::vector<std::int64_t>{0});
  }
  give({tensor("x", dtype::fp32, {}, {3})});
  EXPECT_EQ(run_on("emulator", "relu.plain.fwd").code, 0);
  EXPECT_EQ(result().at("y").shape, std::vector<std::int64_t>{});
}

TEST_F(run, takes_a_saved_failure_which_holds_outputs_too) {
  give({tensor("x", dtype::fp32, {1}, {3}), tensor("y", dtype::fp32, {1}, {0}),
        tensor("y.truth", dtype::fp64, {1}, {3})});
  EXPECT_EQ(run_on("reference", "relu.plain.fwd").code, 0);
  EXPECT_THAT(values(result().at("y")), ElementsAre(3));
}

TEST_F(run, refuses_tensors_that_do_not_fit_and_names_the_file) {
  const stored_tensor x = tensor("x", dtype::fp32, {4}, {1, 2, 3, 4});
  const auto refused = [&](const std::string& function, const std::string& because) {
    for (const char* where : {"reference", "emulator"}) {
      const ended result = run_on(where, function);
      expect_refused(result, because);
      EXPECT_THAT(result.err, testing::StartsWith("assay: in: "));
      EXPECT_FALSE(exists("out"));
    }
  };
  give({x});
  refused("relu.plain.bwd", "there is no tensor 'dy'");
  give({x, tensor("z", dtype::fp32, {1}, {1})});
  refused("relu.plain.fwd", "relu.plain.fwd takes no tensor 'z'; expected x");
  give({tensor("X", dtype::fp32, {1}, {1})});
  refused("relu.plain.fwd", "takes no tensor 'X'; expected x");
  give({x, tensor("dy", dtype::bf16, {4}, {1, 2, 3, 4})});
  refused("relu.plain.bwd", "does not take inputs of fp32, bf16");
  give({tensor("x", dtype::fp64, {1}, {1})});
  refused("relu.plain.fwd", "does not take inputs of fp64");
  give({x, tensor("dy", dtype::fp32, {3}, {1, 2, 3})});
  refused("relu.plain.bwd", "tensors 'x' and 'dy' have different shapes");
  give({x, tensor("dy", dtype::fp32, {2, 2}, {1, 2, 3, 4})});
  refused("relu.plain.bwd", "tensors 'x' and 'dy' have different shapes");
}

TEST_F(run, refuses_what_it_does_not_know) {
  give({tensor("x", dtype::fp32, {1}, {1})});
  expect_refused(run_on("reference", "gelu.ref.fwd"),
                 "unknown function 'gelu.ref.fwd'; did you mean");
  expect_refused(
      run_on("reference", "gelu.erf"),
      "'gelu.erf' is no whole name of a function; there are: gelu.erf.fwd, gelu.erf.bwd");
  expect_refused(run_on("gpu", "relu.plain.fwd"), "unknown backend 'gpu'; there are: reference");
  expect_refused(assay({"run", "relu.plain.fwd", "--in", "in"}), "--out is required");
  if (has_gpu()) return;
  EXPECT_EQ(run_on("cuda", "relu.plain.fwd").code, 77);
}

TEST_F(run, leaves_its_output_whole_or_absent) {
  give({tensor("x", dtype::fp32, {4096}, std::vector<double>(4096, 1))});
  const auto refused = [&](const std::string& out, const std::string& because, unsigned long most) {
    const ended result =
        assay({"run", "relu.plain.fwd", "--in", "in", "--out", out}, {.largest_file = most});
    expect_refused(result, because);
    EXPECT_THAT(result.err, HasSubstr(out + ": cannot be written"));
  };
  refused("no/such/out", "No such file or directory", 0);
  refused(".", "Is a directory", 0);
  refused("/dev/full", "No space left on device", 0);
  refused("out", "File too large", 1000);  // the disk is full after 1000 bytes
  EXPECT_THAT(files(), ElementsAre("in"));
  write("out", "what was there before");
  refused("out", "File too large", 1000);
  EXPECT_EQ(contents("out"), "what was there before");
  EXPECT_THAT(files(), ElementsAre("in", "out"));
}

TEST_F(run, writes_to_a_device_without_replacing_it) {
  give({tensor("x", dtype::fp32, {1}, {1})});
  EXPECT_EQ(assay({"run", "relu.plain.fwd", "--in", "in", "--out", "/dev/null"}).code, 0);
  EXPECT_EQ(assay({"-c", "/dev/null"}, {.program = "/usr/bin/test"}).code, 0);
  EXPECT_GT(assay({"run", "relu.plain.fwd", "--in", "in", "--out", "/dev/stdout"}).out.size(), 8u);
}

// Ended at any moment, it has written all of its output or none, and what stood there stays.
TEST_F(run, killed_at_any_moment_leaves_a_whole_file) {
  give({tensor("x", dtype::fp32, {1 << 20}, std::vector<double>(1 << 20, 1))});
  const std::vector<std::string> arguments = {"run", "relu.plain.fwd", "--in",    "in", "--out",
                                              "out", "--on",           "emulator"};
  ASSERT_EQ(assay(arguments).code, 0);
  const std::string whole = contents("out");
  for (int signal : {SIGKILL, SIGINT, SIGTERM})
    for (int delay : {1'000, 20'000, 40'000, 60'000, 80'000}) {
      write("out", "before");
      assay(arguments, {.meanwhile = [&](pid_t child) {
              usleep(useconds_t(delay));
              kill(child, signal);
            }});
      const std::string now = contents("out");
      EXPECT_TRUE(now == whole || now == "before") << signal << " " << delay << " " << now.size();
    }
}

}  // namespace
}  // namespace assay::tools::test
