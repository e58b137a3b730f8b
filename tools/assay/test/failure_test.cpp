// How a failure is told: kernels that are wrong, that crash and that hang, beside a right one.

#include "properties/safetensors.hpp"
#include "properties/values.hpp"
#include "tools/assay/test/command.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

namespace assay::tools::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

std::string run_of(const std::string& implementation) {
  return "v1/broken.copy.fwd/x=fp32,y=fp32/t=4096,c=4/dist=normal/seed=1@impl=" + implementation +
         ",on=emulator,sched=0";
}

// The lines from the one that tells the outcome to the next empty one.
std::vector<std::string> told_failure(const ended& result) {
  const std::vector<std::string> all = result.lines();
  const auto is_outcome = [](const std::string& line) {
    return line.starts_with("  failed  ") || line.starts_with("  crashed  ");
  };
  const auto first = std::find_if(all.begin(), all.end(), is_outcome);
  return {first, std::find(first, all.end(), "")};
}

TEST_F(command, a_failure_is_told_in_five_lines) {
  const ended result = broken({"check", "impl=drops_rows"});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.line_from_end(0), "1 cases: 0 passed, 1 failed, 0 unsupported, 0 not run");
  const std::vector<std::string> told = told_failure(result);
  ASSERT_EQ(told.size(), 5u) << result.out;
  EXPECT_EQ(told[0], "  failed  y: 256 of 16384 elements out of bound");
  EXPECT_THAT(told[1],
              AllOf(StartsWith("    where    y["), HasSubstr(", truth "), HasSubstr("of the bound"),
                    HasSubstr(" ULP"), HasSubstr("; failed: 64 rows, all t % 64 == 63")));
  EXPECT_EQ(told[2], "    repeats  yes, bit for bit");
  EXPECT_EQ(told[3], "    replay   assay replay " + run_of("drops_rows"));
  EXPECT_THAT(told[4], StartsWith("    saved    assay-failures/broken.copy.fwd-"));
}

TEST_F(command, a_failure_is_saved_with_inputs_outputs_and_truth) {
  broken({"check", "impl=drops_rows", "--save", "kept"});
  ASSERT_THAT(files(), ElementsAre("kept"));
  const nlohmann::json report =
      broken({"check", "impl=drops_rows", "--save", "kept", "--json"}).json();
  const std::string saved = report.at("runs").at(0).at("saved");
  const properties::tensor_file file = properties::read_safetensors(path(saved));
  EXPECT_EQ(file.metadata.at("run"), run_of("drops_rows"));
  EXPECT_EQ(file.metadata.at("outcome"), "failed");
  EXPECT_EQ(file.at("x").shape, (std::vector<std::int64_t>{4096, 4}));
  EXPECT_EQ(file.at("y").type, dtype::fp32);
  const auto value = [&](const char* name, std::int64_t i) {
    const properties::stored_tensor& t = file.at(name);
    return properties::decode(t.type, properties::load_bits(t.type, t.bytes.data(), i));
  };
  const std::int64_t dropped = 63 * 4 + 1;
  EXPECT_EQ(value("y", dropped), 0);
  EXPECT_NE(value("x", dropped), 0);
  EXPECT_EQ(value("y.truth", dropped), value("x", dropped));
  EXPECT_EQ(value("y", dropped + 4), value("x", dropped + 4));
}

TEST_F(command, a_failure_is_not_saved_where_that_is_not_wanted_or_cannot_be) {
  EXPECT_THAT(told_failure(broken({"check", "impl=drops_rows", "--save", ""})).back(),
              StartsWith("    saved    nothing"));
  EXPECT_THAT(files(), ElementsAre());
  write("taken", "a file");
  EXPECT_THAT(told_failure(broken({"check", "impl=drops_rows", "--save", "taken"})).back(),
              StartsWith("    saved    nothing: taken/"));
}

TEST_F(command, a_failure_replays_from_its_line) {
  const ended result = broken({"replay", run_of("drops_rows")});
  EXPECT_EQ(result.code, 1);
  EXPECT_EQ(result.lines().front(), run_of("drops_rows"));
  EXPECT_THAT(result.out, HasSubstr("64 rows, all t % 64 == 63"));
  EXPECT_EQ(broken({"replay", run_of("drops_rows"), "--impl", "right"}).code, 0);
}

TEST_F(command, a_failure_that_does_not_repeat_says_so) {
  const ended result = broken({"check", "impl=changes_bits"});
  EXPECT_EQ(result.code, 1);
  const std::vector<std::string> told = told_failure(result);
  ASSERT_EQ(told.size(), 5u);
  EXPECT_THAT(told[0], HasSubstr("a second run gave other bits"));
  EXPECT_THAT(told[1], HasSubstr("y[1, 1] = 1"));
  EXPECT_THAT(told[1], HasSubstr("failed: one, at t = 1, c = 1"));
  EXPECT_EQ(told[2], "    repeats  no: a second run gave other bits");
}

TEST_F(command, a_write_past_the_end_is_a_failure_although_every_value_is_right) {
  const ended result = broken({"check", "impl=writes_past_end"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(told_failure(result)[0], HasSubstr("'y' was written 1 bytes past its end"));
}

TEST_F(command, a_finding_of_a_sanitizer_is_a_failure) {
  EXPECT_EQ(broken({"check", "impl=reads_past_end"}).code, 0);
  const ended result = broken({"check", "impl=reads_past_end", "--sanitize", "memcheck"});
  EXPECT_EQ(result.code, 1);
  const std::vector<std::string> told = told_failure(result);
  ASSERT_EQ(told.size(), 5u) << result.out;
  EXPECT_THAT(told[1], AllOf(HasSubstr("memcheck"), HasSubstr("broken.cu:")));
  EXPECT_EQ(told[3], "    replay   assay replay --sanitize memcheck " + run_of("reads_past_end"));
}

// The line that a failure prints is the command that shows it again.
TEST_F(command, every_failure_replays_from_its_line) {
  const std::vector<std::string> all = {"check", "broken",       "--sanitize",
                                        "all",   "--time-limit", "1"};
  const nlohmann::json report = broken([&] {
                                  std::vector<std::string> with = all;
                                  with.insert(with.end(), {"--json", "--save", ""});
                                  return with;
                                }())
                                    .json();
  int failures = 0;
  for (const auto& run : report.at("runs")) {
    std::istringstream line(run.at("replay").get<std::string>());
    std::vector<std::string> words{std::istream_iterator<std::string>(line), {}};
    ASSERT_EQ(words.at(0), "assay");
    words.erase(words.begin());
    words.insert(words.end(), {"--save", "", "--time-limit", "1"});
    const std::string outcome = run.at("outcome");
    EXPECT_EQ(broken(words).code, outcome == "passed" ? 0 : outcome == "crashed" ? 6 : 1) << run;
    failures += outcome != "passed";
  }
  EXPECT_GE(failures, 5);
}

TEST_F(command, a_kernel_that_crashes_loses_its_run_and_no_other) {
  const ended result = broken({"check", "impl=crashes", "impl=right"});
  EXPECT_EQ(result.code, 6);
  EXPECT_EQ(result.line_from_end(0), "2 cases: 1 passed, 1 failed, 0 unsupported, 0 not run");
  const std::vector<std::string> told = told_failure(result);
  ASSERT_EQ(told.size(), 5u) << result.out;
  EXPECT_THAT(told[0], StartsWith("  crashed  its process died of signal"));
  EXPECT_EQ(told[3], "    replay   assay replay " + run_of("crashes"));
  const ended again = broken({"replay", run_of("crashes")});
  EXPECT_EQ(again.code, 6);
  EXPECT_THAT(again.out, HasSubstr(run_of("crashes")));
}

TEST_F(command, a_kernel_that_hangs_is_ended_at_the_time_limit) {
  for (const std::string kind : {"spins", "spins_at_barrier"}) {
    const ended result =
        broken({"check", "impl=" + kind + ",", "impl=right", "--time-limit", "1", "--jobs", "1"});
    EXPECT_EQ(result.code, 6) << kind;
    EXPECT_EQ(result.line_from_end(0), "2 cases: 1 passed, 1 failed, 0 unsupported, 0 not run");
    const std::vector<std::string> told = told_failure(result);
    ASSERT_EQ(told.size(), 5u) << result.out;
    EXPECT_THAT(told[0], StartsWith("  crashed  "));
    EXPECT_EQ(told[3], "    replay   assay replay " + run_of(kind));
  }
}

TEST_F(command, junit_tells_failures_and_crashes) {
  broken({"check", "impl=drops_rows", "impl=crashes", "impl=right", "--junit", "report.xml"});
  const ended read =
      assay({"-c",
             "import xml.etree.ElementTree as e; r = e.parse('report.xml').getroot();"
             "print(r.get('tests'), r.get('failures'), len(r.findall('.//failure')))"},
            {.program = "/usr/bin/python3"});
  EXPECT_EQ(read.out, "3 2 2\n") << read.err;
}

TEST_F(command, run_outlives_a_kernel_that_crashes_or_hangs) {
  properties::write_safetensors(path("in"),
                                {{{"x", dtype::fp32, {1, 4}, std::vector<std::byte>(16)}}, {}});
  for (const std::string kind : {"crashes", "spins", "spins_at_barrier"}) {
    const ended result = broken({"run", "broken.copy.fwd", "--in", "in", "--out", "out", "--on",
                                 "emulator", "--impl", kind, "--time-limit", "1"});
    EXPECT_EQ(result.code, 6) << kind;
    EXPECT_THAT(result.err, StartsWith("assay: broken.copy.fwd on emulator: "));
    EXPECT_THAT(files(), ElementsAre("in"));
  }
}

TEST_F(command, exhaustive_finds_the_one_input_that_is_wrong) {
  const ended result =
      broken({"exhaustive", "broken.relu.fwd", "--impl", "wrong_at_two", "--dtype", "bf16"});
  EXPECT_EQ(result.code, 1);
  EXPECT_THAT(result.out, HasSubstr("1 results are out of bound, the first at x = 0x1p+1"));
}

TEST_F(command, exhaustive_survives_a_kernel_that_crashes) {
  const ended result =
      broken({"exhaustive", "broken.relu.fwd", "--impl", "dies_at_two", "--dtype", "bf16"});
  EXPECT_EQ(result.code, 6) << result.err;
  EXPECT_THAT(result.err, StartsWith("assay: broken.relu.fwd-dies_at_two-bf16-emulator: "));
}

}  // namespace
}  // namespace assay::tools::test
