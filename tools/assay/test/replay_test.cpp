// assay replay: good ids, and bad ones of every kind.

#include "tools/assay/test/command.hpp"

#include <gmock/gmock.h>

#include <filesystem>

namespace assay::tools::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* k_good =
    "v1/relu.plain.fwd/x=bf16,y=bf16/n=1023,align=2/dist=tails/seed=7@impl=select,on=emulator,"
    "sched=0";

// k_good with one part of it changed.
std::string changed(const std::string& from, const std::string& to) {
  std::string id = k_good;
  const auto at = id.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return id.replace(at, from.size(), to);
}

TEST_F(command, replay_runs_an_id_and_tells_all_about_it) {
  const ended result = assay({"replay", k_good});
  EXPECT_EQ(result.code, 0);
  EXPECT_EQ(result.lines().at(0), k_good);
  EXPECT_EQ(result.lines().at(1), "  passed");
  EXPECT_THAT(result.out, HasSubstr("1023 elements, 0.000 of the bound"));
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(files(), IsEmpty());
}

TEST_F(command, replay_in_its_own_process_gives_the_same) {
  EXPECT_EQ(assay({"replay", "--here", k_good}).out, assay({"replay", k_good}).out);
}

TEST_F(command, replay_starts_gdb_on_itself) {
  write("gdb", "#!/bin/sh\nshift 2\nexec \"$@\"\n");  // what gdb's `run` would do
  std::filesystem::permissions(path("gdb"), std::filesystem::perms::owner_all);
  const ended result = assay({"replay", "--gdb", "--properties", k_good},
                             {.environment = {"PATH=" + path("")}});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.lines().at(0), k_good);
  expect_refused(assay({"replay", "--gdb", k_good}, {.environment = {"PATH=/nowhere"}}),
                 "cannot start gdb");
}

TEST_F(command, replay_tells_why_an_implementation_does_not_take_a_case) {
  const ended result = assay({"replay",
                              "v1/softmax.plain.fwd/x=bf16,y=bf16/rows=1,n=8192/dist=normal/"
                              "seed=1@impl=online_warp,on=emulator,sched=0"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.out, HasSubstr("unsupported"));
  EXPECT_THAT(result.out, HasSubstr("'online_warp' takes rows of at most 1024 elements, not 8192"));
}

TEST_F(command, replay_reports_as_json) {
  const nlohmann::json told = assay({"replay", k_good, "--json"}).json();
  EXPECT_EQ(told.at("id"), k_good);
  EXPECT_EQ(told.at("outcome"), "passed");
  EXPECT_EQ(told.at("outputs").at(0).at("tensor"), "y");
  EXPECT_EQ(told.at("outputs").at(0).at("strict").at("elements"), 1023);
}

TEST_F(command, replay_takes_a_schedule_and_sanitizers) {
  EXPECT_EQ(assay({"replay", changed("sched=0", "sched=18446744073709551615")}).code, 0);
  const ended result = assay({"replay", k_good, "--sanitize", "memcheck,racecheck", "--json"});
  EXPECT_EQ(result.code, 0);
  EXPECT_GT(result.json().at("counters").at("global_load_bytes"), 0);  // the sanitized build counts
  expect_refused(assay({"replay", k_good, "--sanitize", "memcheck,"}), "unknown sanitizer ''");
}

TEST_F(command, replay_needs_the_device_that_an_id_names) {
  if (has_gpu()) GTEST_SKIP() << "there is a device";
  const ended result = assay({"replay", k_good, "--on", "cuda"});
  EXPECT_EQ(result.code, 77);
  EXPECT_EQ(result.err, "assay: cuda is not there: " + why_no_cuda() + "\n");
}

TEST_F(command, replay_refuses_ids_with_the_part_at_fault) {
  const std::pair<std::string, std::string> bad[] = {
      {"", "it names no run"},
      {"x", "it names no run"},
      {changed("v1", "v2"), "its version is 'v2'"},
      {changed("v1", "V1"), "its version is 'V1'"},
      {changed("relu", "rule"), "did you mean relu.plain.fwd"},
      {changed("plain", "plane"), "did you mean relu.plain.fwd"},
      {changed(".fwd", ""), "'relu.plain' has 2 names"},
      {changed("x=bf16", "x=bf17"), "'bf17' is not a dtype"},
      {changed("x=bf16", "x=fp64"), "does not take this combination of dtypes"},
      {changed("x=bf16,", ""), "its tensors are not those of relu.plain.fwd; expected x=...,y=..."},
      {changed("y=bf16", "x=bf16"), "tensor 'x' stands twice"},
      {changed("n=1023", "n=1023,n=5"), "'n' stands twice"},
      {changed("n=1023", "m=1023"), "has no dimension 'n'"},
      {changed("n=1023", "n=-1"), "n=-1 is negative"},
      {changed("n=1023", "n=0.5"), "n=0.5 is no size"},
      {changed("n=1023", "n=01023"), "'01023' is not a number"},
      {changed("n=1023", "n=9223372036854775807"), "too large"},
      {changed("n=1023", "n=9223372036854775808"), "is no size"},
      {changed("n=1023", "n=nan"), "n=nan is no size"},
      {changed("n=1023,align=2", ""), "'' has no '='"},
      {changed("align=2", "align=3"), "align=3 is not a power of two"},
      {changed("align=2", "align=1"), "align=1 is not a power of two"},
      {changed("align=2", "align=512"), "align=512 is not a power of two"},
      {changed("align=2", "inplace=2"), "inplace=2 is neither 0 nor 1"},
      {changed("align=2", "beta=2"), "has no dimension or parameter 'beta'"},
      {changed("tails", "tales"), "did you mean tails"},
      {changed("tails", "tails,wag=1"), "wag"},
      {changed("seed=7", "seed=-7"), "'-7' is not an unsigned integer"},
      {changed("seed=7", "seed=18446744073709551616"), "is not an unsigned integer"},
      {changed("seed=7", "seed="), "'' is not an unsigned integer"},
      {changed("seed=7", "seed=7 "), "'7 ' is not an unsigned integer"},
      {changed("/seed=7", ""), "5 parts"},
      {changed("/seed=7", "/seed=7/"), "7 parts"},
      {changed("impl=select", "impl=selct"), "did you mean select"},
      {changed("on=emulator", "on=emu"), "unknown backend 'emu'; there are: emulator, cuda"},
      {changed(",sched=0", ""), "its run is incomplete"},
      {changed("impl=select,on=emulator", "on=emulator,impl=select"), "'impl=' belongs"},
      {" " + std::string(k_good), "its version is ' v1'"},
      {std::string(k_good) + "\n", "is not an unsigned integer"},
      {changed("relu", "re\nlu"), "is not a component"},
      {changed("relu", "re\x1b[31mlu"), "is not a component"},
      {changed("relu", "$(reboot)"), "is not a component"},
      {changed("relu", "re;lu"), "is not a component"},
      {changed("relu", "../relu"), "parts between slashes"},
      {changed("@", "@@"), "'@impl' is not a key"},
      {std::string(100'000, 'v'), "it has 100000 characters; expected at most 4096"},
  };
  for (const auto& [id, because] : bad) {
    SCOPED_TRACE(id.substr(0, 200));
    const ended result = assay({"replay", id});
    expect_refused(result, because);
    EXPECT_LT(result.err.size(), 1000u);
  }
}

TEST_F(command, replay_refuses_every_truncation_of_an_id) {
  const std::string id = k_good;
  for (std::size_t length = 0; length < id.size(); length += 3) {
    SCOPED_TRACE(length);
    expect_refused(assay({"replay", id.substr(0, length)}), "bad id");
  }
}

TEST_F(command, replay_refuses_a_case_that_memory_cannot_hold) {
  expect_refused(assay({"replay", changed("n=1023", "n=17179869184")}), "GiB of memory");
}

}  // namespace
}  // namespace assay::tools::test
