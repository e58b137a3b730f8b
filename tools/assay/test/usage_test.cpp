// list, doctor, completion, help, and what is no subcommand.

#include "tools/assay/test/command.hpp"

#include <gmock/gmock.h>

namespace assay::tools::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::vector<std::string> k_subcommands = {"list",   "check",   "fuzz",    "exhaustive",
                                                "replay", "run",     "golden",  "doctor",
                                                "bench",  "compare", "history", "completion"};

TEST_F(command, help_has_examples_everywhere) {
  for (const std::string& each : k_subcommands) {
    const ended result = assay({each, "--help"});
    EXPECT_EQ(result.code, 0) << each;
    EXPECT_THAT(result.out, AllOf(HasSubstr("Example"), HasSubstr(" " + each))) << each;
    EXPECT_EQ(result.err, "");
  }
  const ended all = assay({"--help"});
  EXPECT_EQ(all.code, 0);
  for (const std::string& each : k_subcommands) EXPECT_THAT(all.out, HasSubstr("  " + each));
  EXPECT_THAT(all.out, AllOf(HasSubstr("Examples:"), HasSubstr("Exit status:"), HasSubstr("77")));
}

TEST_F(command, an_unknown_word_is_refused_with_what_was_meant) {
  expect_refused(assay({"chek"}), "unknown subcommand 'chek'; did you mean check?");
  expect_refused(assay({"--json", "lst"}), "unknown subcommand 'lst'; did you mean list");
  expect_refused(assay({"zzzzzz"}), "there are: ");
  expect_refused(assay({}), "subcommand is required");
  expect_refused(assay({"list", "--jsno"}), "--jsno");
  expect_refused(assay({"replay"}), "ID is required");
  expect_refused(assay({"completion", "fish"}), "completion is there for bash, not for 'fish'");
}

TEST_F(command, version_is_told) {
  const ended result = assay({"--version"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, testing::MatchesRegex("[0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST_F(command, list_tells_functions_and_implementations) {
  const ended result = assay({"list", "gelu.erf"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, AllOf(HasSubstr("gelu.erf.fwd"), HasSubstr("gelu.erf.bwd"),
                                HasSubstr("fused"), HasSubstr("naive")));
  EXPECT_THAT(result.out, testing::Not(HasSubstr("gelu.tanh")));
  EXPECT_THAT(assay({"list", "--distributions"}).out, HasSubstr("tails"));
  EXPECT_EQ(assay({"list", "--distributions", "--json"}).json().at(0).at("name"), "normal");
}

TEST_F(command, list_tells_where_each_implementation_runs) {
  const ended doctor = assay({"doctor"});
  const bool has_cuda_side = doctor.out.find("built by nvcc") != std::string::npos;
  const nlohmann::json expected =
      has_cuda_side ? nlohmann::json{"emulator", "cuda"} : nlohmann::json{"emulator"};
  const nlohmann::json all = assay({"list", "--json"}).json();
  for (const auto& each : all)
    for (const auto& by : each.at("implementations")) EXPECT_EQ(by.at("backends"), expected);
}

TEST_F(command, list_tells_programs_everything) {
  const nlohmann::json all = assay({"list", "--json"}).json();
  EXPECT_GE(all.size(), 12u);
  for (const auto& each : all) {
    for (const char* key :
         {"component", "variant", "direction", "function", "formula", "dimensions", "inputs",
          "outputs", "dtypes", "parameters", "implementations"})
      EXPECT_TRUE(each.contains(key)) << key;
    for (const auto* tensors : {&each.at("inputs"), &each.at("outputs")})
      for (const auto& tensor : *tensors)
        EXPECT_TRUE(tensor.contains("name") && tensor.contains("shape"));
    for (const auto& by : each.at("implementations"))
      for (const char* key : {"name", "form", "numerics", "stated", "domain", "deterministic",
                              "same_bits_on_emulator", "backends"})
        EXPECT_TRUE(by.contains(key)) << key;
  }
}

TEST_F(command, doctor_tells_what_follows) {
  const ended result = assay({"doctor"});
  EXPECT_EQ(result.code, 0);
  for (const char* what : {"compiler", "processor", "CUDA side", "GPU", "MPFR", "what follows"})
    EXPECT_THAT(result.out, HasSubstr(what));
  for (const auto& fact : assay({"doctor", "--json"}).json())
    for (const char* key : {"what", "found", "follows"}) EXPECT_TRUE(fact.contains(key));
}

// What bash offers for the words of a command line, the last of them unfinished.
std::string offered(const std::string& script, const std::string& words) {
  return script + "\nCOMP_WORDS=(" + words + ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_assay\n" +
         "echo \"${COMPREPLY[@]}\"\n";
}

TEST_F(command, completion_knows_subcommands_functions_and_options) {
  const ended script = assay({"completion", "bash"});
  EXPECT_EQ(script.code, 0);
  write("script", script.out);
  const how in_bash = {.program = "/bin/bash"};
  EXPECT_EQ(assay({"-n", "script"}, in_bash).code, 0);
  const auto completed = [&](const std::string& words) {
    return assay({"-c", offered(script.out, words)}, in_bash).out;
  };
  EXPECT_EQ(completed("assay exh"), "exhaustive\n");
  for (const std::string& each : k_subcommands)
    EXPECT_THAT(completed("assay ''"), HasSubstr(each)) << each;
  EXPECT_EQ(completed("assay check gelu.e"), "gelu.erf.bwd gelu.erf.fwd\n");
  EXPECT_EQ(completed("assay run --f"), "\n");
  EXPECT_EQ(completed("assay run --un"), "--unrounded\n");
  EXPECT_EQ(completed("assay --json exhaustive --sha"), "--shard\n");
  EXPECT_EQ(completed("assay --json exh"), "exhaustive\n");
  EXPECT_EQ(completed("assay golden upd"), "update\n");
  EXPECT_EQ(completed("assay golden accept --rea"), "--reason\n");
  EXPECT_EQ(completed("assay check --on em"), "emulator\n");
  EXPECT_EQ(completed("assay exhaustive relu --dtype b"), "bf16\n");
}

}  // namespace
}  // namespace assay::tools::test
