// assay fuzz as its users meet it: what it finds in kernels that are wrong, what it keeps, what it
// says it has covered.

#include "tools/assay/test/command.hpp"

#include <gmock/gmock.h>

#include <signal.h>
#include <chrono>
#include <thread>

namespace assay::tools::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

nlohmann::json without_times(nlohmann::json result) {
  result.erase("seconds");
  for (const char* list : {"failures", "examples"})
    for (nlohmann::json& each : result.at(list)) each.erase("seconds");
  return result;
}

TEST_F(command, fuzz_tells_what_it_has_tried) {
  const ended result = assay({"fuzz", "relu", "--cases", "300", "--seed", "3"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.line_from_end(0), AllOf(StartsWith("fuzzed 300 cases of 6 kernels by dtype"),
                                             HasSubstr("seed 3: 0 failed")));
  EXPECT_THAT(result.out, HasSubstr("dtype          fp32 100  bf16 100  fp16 100"));
  EXPECT_EQ(files(), std::vector<std::string>{"assay-failures"});
}

TEST_F(command, fuzz_covers_every_class_of_every_axis) {
  const nlohmann::json covered =
      assay({"fuzz", "relu", "--cases", "2500", "--json"}).json().at("covered");
  const auto classes = [&](const char* axis) { return covered.at(axis).size(); };
  EXPECT_EQ(classes("dtype"), 3u);
  EXPECT_EQ(classes("distribution"), 11u);
  EXPECT_EQ(classes("length"), 8u) << covered.at("length");
  EXPECT_EQ(classes("alignment"), 8u) << covered.at("alignment");
  EXPECT_EQ(classes("in place"), 2u);
  EXPECT_EQ(classes("schedule"), 2u);
  // Of sizes that are drawn up to thousands, every element.
  EXPECT_GT(covered.at("outputs").at("judged").get<std::uint64_t>(), 2500u * 100);
  EXPECT_EQ(covered.at("outputs").at("not judged"), 0);
}

TEST_F(command, fuzz_shrinks_a_failure_to_its_simplest_case) {
  const nlohmann::json result =
      broken({"fuzz", "impl=drops_rows", "--cases", "2000", "--json"}).json();
  EXPECT_EQ(result.at("cases"), 2000);
  EXPECT_GT(result.at("failed").get<int>(), 1);
  ASSERT_EQ(result.at("failures").size(), 1u);
  const nlohmann::json& failure = result.at("failures").at(0);
  EXPECT_EQ(failure.at("id"),
            "v1/broken.copy.fwd/x=fp32,y=fp32/t=64,c=1/dist=normal/seed=0@impl=drops_rows,"
            "on=emulator,sched=0");
  EXPECT_EQ(failure.at("alike"), result.at("failed"));
  EXPECT_EQ(broken({"replay", failure.at("id").get<std::string>()}).code, 1);
  EXPECT_TRUE(exists(failure.at("saved").get<std::string>()));
}

TEST_F(command, fuzz_tells_a_failure_with_the_line_that_replays_it) {
  const ended result = broken({"fuzz", "impl=drops_rows", "--cases", "2000"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.out, AllOf(HasSubstr("  failed  y: 1 of 64 elements out of bound"),
                                HasSubstr("    replay   assay replay --properties v1/broken.copy"),
                                HasSubstr("    found    v1/broken.copy.fwd/"),
                                HasSubstr(" alike; shrunk in ")));
}

TEST_F(command, fuzz_runs_what_failed_before_first) {
  broken({"fuzz", "impl=drops_rows", "--cases", "2000"});
  const ended again = broken({"fuzz", "impl=drops_rows", "--cases", "1", "--seed", "8"});
  EXPECT_EQ(again.code, 1);
  EXPECT_THAT(again.out, AllOf(HasSubstr("of 1 saved examples 1 fail still"),
                               HasSubstr("/t=64,c=1/dist=normal/seed=0@impl=drops_rows")));
  EXPECT_EQ(broken({"fuzz", "impl=right", "--cases", "1"}).code, 0);
}

TEST_F(command, fuzz_gives_the_same_for_a_seed_in_any_number_of_processes) {
  const auto result = [&](const char* jobs) {
    return without_times(broken({"fuzz", "impl=drops_rows", "impl=right", "--cases", "2500",
                                 "--json", "--save", "", "--jobs", jobs})
                             .json());
  };
  const nlohmann::json alone = result("1");
  EXPECT_EQ(alone, result("3"));
  EXPECT_GT(alone.at("failed").get<int>(), 0);
}

TEST_F(command, fuzz_goes_on_after_a_crash_and_names_it) {
  const ended result = broken({"fuzz", "impl=dies_at_two", "--cases", "300", "--json"});
  EXPECT_EQ(result.code, 6);
  const nlohmann::json told = result.json();
  EXPECT_EQ(told.at("cases"), 300);
  const nlohmann::json& failure = told.at("failures").at(0);
  EXPECT_EQ(failure.at("outcome"), "crashed");
  EXPECT_THAT(failure.at("reason").get<std::string>(), HasSubstr("died of signal"));
  EXPECT_TRUE(exists(failure.at("saved").get<std::string>()));
  EXPECT_EQ(broken({"replay", failure.at("id").get<std::string>()}).code, 6);
}

TEST_F(command, fuzz_ends_what_hangs) {
  const ended result =
      broken({"fuzz", "impl=spins_at_barrier", "--cases", "1", "--time-limit", "0.2"});
  EXPECT_EQ(result.code, 6);
  EXPECT_THAT(result.out, HasSubstr("  crashed  "));
}

TEST_F(command, fuzz_knows_after_its_own_death_what_it_ran) {
  const auto kill_while_it_spins = [&](pid_t process) {
    const std::string name = "assay-failures/fuzz-" + std::to_string(process) + ".journal";
    for (int i = 0; i < 600; ++i) {
      if (exists(name) && contents(name).find("impl=spins,") != std::string::npos) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    kill(process, SIGKILL);
  };
  this->assay({"fuzz", "impl=spins,", "--cases", "1"},
              {.program = ASSAY_BROKEN, .meanwhile = kill_while_it_spins});
  const ended again =
      broken({"fuzz", "impl=spins,", "--cases", "1", "--seed", "9", "--time-limit", "0.2"});
  EXPECT_EQ(again.code, 6);
  EXPECT_THAT(again.out, HasSubstr("of 1 saved examples 1 fail still"));
  for (const std::string& each : files()) EXPECT_THAT(each, testing::Not(HasSubstr("journal")));
}

TEST_F(command, fuzz_stops_when_its_time_is_over) {
  const auto begun = std::chrono::steady_clock::now();
  const ended result = assay({"fuzz", "relu", "--time", "1"});
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begun;
  EXPECT_EQ(result.code, 0);
  EXPECT_GE(taken.count(), 1);
  EXPECT_THAT(result.line_from_end(0), HasSubstr(": 0 failed"));
}

TEST_F(command, fuzz_climbs_towards_the_bound) {
  const auto largest = [&](const char* target) {
    const nlohmann::json result = assay({"fuzz", "*softmax.plain.fwd/*x=fp32*impl=online_warp*",
                                         "--cases", "1500", "--target", target, "--json"})
                                      .json();
    double most = 0;
    for (const nlohmann::json& each : result.at("best"))
      most = std::max(most, each.at("fraction").get<double>());
    return most;
  };
  const double drawn = largest("failure"), climbed = largest("bound");
  EXPECT_GT(climbed, drawn);
  EXPECT_LE(climbed, 1);
}

TEST_F(command, fuzz_refuses_what_it_cannot_do) {
  expect_refused(assay({"fuzz", "sofmax"}), "'sofmax' matches nothing");
  expect_refused(assay({"fuzz", "--cases", "0"}), "would try nothing");
  expect_refused(assay({"fuzz", "--target", "glory"}), "takes failure or bound");
  expect_refused(assay({"fuzz", "--on", "abacus"}), "unknown backend");
  expect_refused(assay({"fuzz", "--on", "cuda", "--sanitize", "all"}), "--sanitize is");
  write("taken", "a file");
  expect_refused(assay({"fuzz", "relu", "--cases", "1", "--save", "taken"}), "cannot write");
  EXPECT_TRUE(has_gpu() || assay({"fuzz", "--on", "cuda"}).code == 77);
}

TEST_F(command, fuzz_leaves_other_files_in_its_folder_alone) {
  write("kept.safetensors", "not one");
  const ended result = assay({"fuzz", "relu", "--cases", "3", "--save", "."});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.err, HasSubstr("left out: "));
  EXPECT_EQ(contents("kept.safetensors"), "not one");
}

}  // namespace
}  // namespace assay::tools::test
