// assay exhaustive: every input once, interrupts that lose nothing, states that are not to be
// trusted.

#include "tools/assay/test/command.hpp"

#include <gmock/gmock.h>

#include <csignal>

namespace assay::tools::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

// About a second of work; shards of one 2^20 inputs are the smallest there are.
const std::vector<std::string> k_long = {"exhaustive", "relu.plain.fwd", "--dtype",   "fp32",
                                         "--shard",    "3/64",           "--threads", "1"};
constexpr const char* k_state = "assay-exhaustive/relu.plain.fwd-select-fp32-emulator-3of64.json";

// Its figures, without how long it took.
nlohmann::json figures(const ended& result) {
  nlohmann::json all = result.json();
  for (auto& each : all) each.erase("seconds");
  return all;
}

std::vector<std::string> with_json(std::vector<std::string> arguments) {
  arguments.push_back("--json");
  return arguments;
}

TEST_F(command, exhaustive_takes_every_16_bit_input) {
  for (const char* type : {"bf16", "fp16"}) {
    const ended result = assay({"exhaustive", "silu", "--dtype", type, "--json"});
    EXPECT_EQ(result.code, 0) << result.out;
    const nlohmann::json all = result.json();
    EXPECT_EQ(all.size(), 4u);  // fused and naive, both directions
    for (const auto& each : all) {
      EXPECT_EQ(each.at("inputs"), 65536);
      EXPECT_EQ(each.at("over"), 0);
      EXPECT_EQ(each.at("complete"), true);
      EXPECT_EQ(each.at("dtype"), type);
    }
  }
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(command, exhaustive_shards_are_the_whole_with_nothing_twice) {
  const std::vector<std::string> whole = {"exhaustive", "gelu.tanh.fwd", "--impl", "naive",
                                          "--dtype",    "fp16",          "--json"};
  const nlohmann::json all = assay(whole).json().at(0);
  std::int64_t inputs = 0, misrounded = 0;
  for (int shard = 0; shard < 3; ++shard) {
    std::vector<std::string> part = whole;
    part.insert(part.end(), {"--shard", std::to_string(shard) + "/3"});
    const nlohmann::json told = assay(part).json().at(0);
    inputs += told.at("inputs").get<std::int64_t>();
    misrounded += told.at("misrounded").get<std::int64_t>();
  }
  EXPECT_EQ(inputs, 65536);
  EXPECT_GT(misrounded, 0);
  EXPECT_EQ(misrounded, all.at("misrounded"));
}

TEST_F(command, exhaustive_goes_on_after_an_interrupt_with_nothing_lost) {
  const ended whole = assay(with_json(k_long));
  EXPECT_EQ(whole.code, 0);
  EXPECT_THAT(files(), IsEmpty());
  const auto interrupt = [](pid_t child) {
    usleep(400'000);
    kill(child, SIGINT);
  };
  const ended first = assay(with_json(k_long), {.meanwhile = interrupt});
  EXPECT_EQ(first.code, 130) << "it was through before the interrupt came";
  EXPECT_THAT(first.err, HasSubstr("of 64 chunks; the same command goes on from"));
  EXPECT_EQ(first.json().at(0).at("complete"), false);
  ASSERT_TRUE(exists(k_state));
  const int done = nlohmann::json::parse(contents(k_state)).at("sweep").at("done");
  EXPECT_GT(done, 0);
  EXPECT_LT(done, 64);

  const ended second = assay(with_json(k_long));
  EXPECT_EQ(second.code, 0);
  EXPECT_THAT(second.err, HasSubstr("goes on after " + std::to_string(done) + " of 64 chunks"));
  EXPECT_EQ(figures(second), figures(whole));
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(command, exhaustive_refuses_a_damaged_state) {
  const auto at_once = [](pid_t child) {
    usleep(200'000);
    kill(child, SIGINT);
  };
  ASSERT_EQ(assay(k_long, {.meanwhile = at_once}).code, 130);
  const std::string good = contents(k_state);
  const auto refused = [&](const std::string& state, const std::string& because) {
    SCOPED_TRACE(because);
    write(k_state, state);
    const ended result = assay(k_long);
    expect_refused(result, std::string(k_state) + ": " + because);
    EXPECT_THAT(result.err, HasSubstr("; --fresh begins anew"));
    EXPECT_EQ(contents(k_state), state);
  };
  refused("", "it is no state of an interrupted run");
  refused(good.substr(0, good.size() / 2), "it is no state of an interrupted run");
  refused("[1, 2]", "it is no state of an interrupted run");
  nlohmann::json state = nlohmann::json::parse(good);
  const auto with = [&](const char* key, const nlohmann::json& value) {
    nlohmann::json other = state;
    other.at("sweep").at(key) = value;
    return other.dump();
  };
  refused(with("plan", "relu.plain.fwd-select-fp32-emulator"), "it is the state of another run");
  refused(with("done", 1000), "its figures do not agree");
  refused(with("done", -1), "its figures do not agree");
  refused(with("done", "many"), "it is not a whole state of a run");
  refused(with("ranges", nlohmann::json::array()), "it is the state of another run");
  nlohmann::json inputs = state;
  inputs.at("sweep").at("ranges").at(0).at("inputs") = 5;
  refused(inputs.dump(), "its figures do not agree");
  state.at("program") = "0123456789abcdef";
  refused(state.dump(), "it is of another build of assay");

  std::vector<std::string> fresh = k_long;
  fresh.push_back("--fresh");
  EXPECT_EQ(assay(fresh).code, 0);
}

TEST_F(command, exhaustive_keeps_finished_sweeps_of_an_interrupted_command) {
  const std::vector<std::string> both = {"exhaustive", "relu",  "--dtype", "fp32",
                                         "--shard",    "0/128", "--json"};
  const auto interrupt = [this](pid_t child) {  // as soon as the first function is through
    constexpr const char* k_first =
        "assay-exhaustive/relu.plain.fwd-select-fp32-emulator-0of128.json";
    const auto is_through = [&] {
      return exists(k_first) &&
             nlohmann::json::parse(contents(k_first)).at("sweep").at("done") == 32;
    };
    for (int i = 0; i < 12'000 && !is_through(); ++i) usleep(10'000);
    kill(child, SIGINT);
  };
  ASSERT_EQ(assay(both, {.meanwhile = interrupt}).code, 130);
  const ended second = assay(both);
  EXPECT_EQ(second.code, 0);
  EXPECT_THAT(second.err, HasSubstr("goes on after 32 of 32 chunks"));
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(command, exhaustive_refuses_what_cannot_be) {
  const auto refused = [&](std::vector<std::string> more, const std::string& because) {
    std::vector<std::string> all = {"exhaustive", "relu.plain.fwd"};
    all.insert(all.end(), more.begin(), more.end());
    expect_refused(assay(all), because);
  };
  refused({"--dtype", "fp64"}, "--dtype takes bf16, fp16 or fp32, not 'fp64'");
  refused({}, "--dtype is required");
  refused({"--dtype", "bf16", "--impl", "selekt"}, "did you mean select");
  refused({"--dtype", "bf16", "--on", "gpu"}, "unknown backend 'gpu'");
  refused({"--dtype", "bf16", "--threads", "-1"}, "--threads");
  refused({"--dtype", "bf16", "--threads", "100000"}, "--threads");
  for (const char* shard : {"", "1", "1/", "/2", "2/2", "-1/2", "1/0", "0/5000", "1/2/3", "a/b",
                            "0/99999999999999999999999", " 0/2", "+0/2"})
    refused({"--dtype", "bf16", "--shard", shard}, "--shard takes i/n");
}

TEST_F(command, exhaustive_needs_the_device_it_is_told_to_use) {
  if (has_gpu()) GTEST_SKIP() << "there is a device";
  const ended result = assay({"exhaustive", "relu", "--dtype", "bf16", "--on", "cuda"});
  EXPECT_EQ(result.code, 77);
  EXPECT_EQ(result.err, "assay: cuda is not there: " + why_no_cuda() + "\n");
}

TEST_F(command, exhaustive_says_at_once_that_it_cannot_keep_its_state) {
  write("taken", "a file");
  std::vector<std::string> arguments = k_long;
  arguments.insert(arguments.end(), {"--state", "taken"});
  expect_refused(assay(arguments), "taken: cannot be made");
}

}  // namespace
}  // namespace assay::tools::test
