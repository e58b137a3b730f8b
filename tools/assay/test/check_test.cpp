// assay check, and what all subcommands share: colour, streams, exit status.

#include "properties/atomic_file.hpp"
#include "tools/assay/test/command.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <filesystem>

namespace assay::tools::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::MatchesRegex;
using testing::Not;

constexpr const char* k_escape = "\x1b[";

TEST_F(command, check_ends_with_two_lines_of_figures) {
  if (has_gpu()) GTEST_SKIP() << "there is a device";
  const ended result = assay({"check", "relu.plain.fwd"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_EQ(result.line_from_end(1),
            "emulator: 42 passed, 0 failed | cuda: not run (" + why_no_cuda() + ")");
  EXPECT_EQ(result.line_from_end(0), "42 cases: 42 passed, 0 failed, 0 unsupported, 0 not run");
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(files(), IsEmpty());
}

// A row that a warp does not hold is no case of the kernel that gives a warp a row.
TEST_F(command, check_leaves_out_what_an_implementation_does_not_take) {
  const ended result =
      assay({"check", "*softmax.plain.fwd*x=bf16*impl=online_warp*", "--on", "emulator", "--json"});
  EXPECT_EQ(result.code, 0) << result.err;
  const nlohmann::json told = result.json();
  EXPECT_GT(told.at("runs").size(), 5u);
  EXPECT_EQ(told.at("summary").at("passed"), told.at("runs").size());
  for (const nlohmann::json& run : told.at("runs"))
    EXPECT_THAT(run.at("id").get<std::string>(), testing::Not(HasSubstr("n=8192")));
}

TEST_F(command, check_says_that_cuda_was_not_asked_for) {
  const ended result = assay({"check", "relu.plain.fwd", "--on", "emulator"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.line_from_end(1), HasSubstr("emulator: 42 passed, 0 failed | cuda: not run"));
}

TEST_F(command, check_takes_parts_of_ids_and_shell_patterns) {
  EXPECT_THAT(assay({"check", "relu"}).line_from_end(0), HasSubstr("84 cases"));
  EXPECT_THAT(assay({"check", "relu.plain.fwd/x=bf16"}).line_from_end(0), HasSubstr("14 cases"));
  EXPECT_THAT(assay({"check", "*relu*fp16*dist=tails*"}).line_from_end(0), HasSubstr("6 cases"));
  EXPECT_THAT(assay({"check", "relu.plain.fwd", "relu.plain.bwd"}).line_from_end(0),
              HasSubstr("84 cases"));
}

TEST_F(command, check_fails_where_cuda_is_required_and_absent) {
  if (has_gpu()) GTEST_SKIP() << "there is a device";
  const ended result = assay({"check", "relu.plain.fwd", "--require", "cuda"});
  EXPECT_EQ(result.code, 77);
  EXPECT_EQ(result.err, "assay: cuda is required, and was not run: " + why_no_cuda() + "\n");
  EXPECT_THAT(result.line_from_end(0), HasSubstr("42 passed"));
}

TEST_F(command, check_on_an_absent_device_counts_nothing_as_passed) {
  if (has_gpu()) GTEST_SKIP() << "there is a device";
  const ended result = assay({"check", "relu.plain.fwd", "--on", "cuda"});
  EXPECT_EQ(result.code, 77);
  EXPECT_EQ(result.line_from_end(1),
            "emulator: not run (cuda was asked for) | cuda: not run (" + why_no_cuda() + ")");
  EXPECT_EQ(result.line_from_end(0), "42 cases: 0 passed, 0 failed, 0 unsupported, 42 not run");
}

TEST_F(command, check_reports_as_json) {
  const ended result = assay({"check", "relu.plain.fwd/x=bf16", "--on", "emulator", "--json"});
  EXPECT_EQ(result.code, 0);
  const nlohmann::json told = result.json();
  EXPECT_EQ(told.at("summary"), nlohmann::json({{"passed", 14}}));
  EXPECT_EQ(told.at("backend"), "emulator");
  ASSERT_EQ(told.at("runs").size(), 14u);
  for (const auto& run : told.at("runs")) {
    for (const char* key : {"id", "function", "implementation", "dtype", "backend", "outcome",
                            "reason", "outputs", "findings", "counters", "repeats", "seconds"})
      EXPECT_TRUE(run.contains(key)) << key;
    EXPECT_EQ(run.at("outcome"), "passed");
    EXPECT_EQ(run.at("repeats"), true);
  }
}

// The lines of tools/README.md, with a pyplot that tells what it is given.
TEST_F(command, check_gives_what_the_readmes_heat_map_needs) {
  const std::string readme = properties::read_file(ASSAY_TOOLS_README, 1 << 20);
  const std::string begin = "```python\n";
  const std::size_t from = readme.find(begin) + begin.size();
  write("plot.py", readme.substr(from, readme.find("```", from) - from));
  std::filesystem::create_directories(path("build"));
  std::filesystem::create_symlink(ASSAY_COMMAND, path("build/assay"));
  std::filesystem::create_directories(path("matplotlib"));
  write("matplotlib/__init__.py", "");
  write("matplotlib/pyplot.py", R"(
class Told:
    def imshow(self, image, vmin, vmax):
        known = [x for row in image for x in row if x == x]
        print(len(image), {len(row) for row in image}, vmin, vmax, 0 < max(known) <= 1, len(known))
    def plot(self, tokens, fractions, marks):
        print(sorted(set(tokens)), len(fractions), 0 < max(fractions) <= 1)
    def savefig(self, name):
        print(name)
def subplots(rows, columns):
    return Told(), [Told() for _ in range(rows * columns)]
)");
  const ended told = assay({"plot.py"}, {.program = "/usr/bin/python3"});
  // 65 queries and 130 keys, in blocks of 4 and of 32.
  EXPECT_THAT(told.out, testing::ContainsRegex("^17 \\{5\\} 0 1 True [1-9][0-9]+\n"
                                               "\\[0, 1, .*, 130, 200\\] [0-9]+ True\nheat.png\n$"))
      << told.err;
}

TEST_F(command, check_maps_all_that_it_judged_and_says_null_where_there_is_no_map) {
  const nlohmann::json relu =
      assay({"check", "relu.plain.fwd/x=bf16", "--on", "emulator", "--json"}).json();
  EXPECT_TRUE(relu.at("runs").at(0).at("outputs").at(0).at("map").is_null());
  const nlohmann::json told =
      assay({"check", "*attention.padding*fp32*flash_simple*", "--on", "emulator", "--json"})
          .json();
  ASSERT_GT(told.at("runs").size(), 10u);
  for (const nlohmann::json& run : told.at("runs"))
    for (const nlohmann::json& output : run.at("outputs")) {
      std::int64_t elements = 0;
      double worst = 0;
      for (const nlohmann::json& cell : output.at("map").at("cells")) {
        worst = std::max(worst, cell.at(2).get<double>());
        elements += cell.at(3).get<std::int64_t>();
      }
      EXPECT_EQ(elements, output.at("strict").at("judged"));
      EXPECT_EQ(worst, output.at("strict").at("worst_fraction"));
    }
}

TEST_F(command, check_writes_junit_that_python_can_read) {
  const ended result = assay({"check", "relu.plain.fwd", "--junit", "report.xml"});
  EXPECT_EQ(result.code, 0) << result.err;
  const ended read =
      assay({"-c",
             "import xml.etree.ElementTree as e; r = e.parse('report.xml').getroot();"
             "print(r.get('tests'), r.get('failures'), r.get('skipped'), "
             "len(r.findall('testcase')))"},
            {.program = "/usr/bin/python3"});
  EXPECT_EQ(read.out, "42 0 0 42\n") << read.err;
}

TEST_F(command, check_shows_its_table_although_the_junit_file_cannot_be_written) {
  const ended result = assay({"check", "relu.plain.fwd", "--junit", "no/such/folder/report.xml"});
  EXPECT_EQ(result.code, 2);
  EXPECT_THAT(result.out, HasSubstr("42 passed"));
  EXPECT_EQ(result.err,
            "assay: no/such/folder/report.xml: cannot be written: No such file or directory\n");
}

TEST_F(command, check_runs_sanitized) {
  const ended result =
      assay({"check", "relu.plain.fwd/x=fp16", "--sanitize", "all", "--sched", "7"});
  EXPECT_EQ(result.code, 0) << result.out;
  EXPECT_THAT(result.line_from_end(0), HasSubstr("14 passed"));
}

TEST_F(command, check_names_the_nearest_for_an_unknown_component) {
  expect_refused(assay({"check", "gleu"}), "'gleu' matches nothing; did you mean gelu");
  expect_refused(assay({"check", "relu", "sliu"}), "'sliu' matches nothing; did you mean silu");
  expect_refused(assay({"list", "msih"}), "did you mean mish");
  expect_refused(assay({"exhaustive", "gelu.ref", "--dtype", "bf16"}), "did you mean gelu.erf");
  expect_refused(assay({"check", "qqqqqqqqqqqqqq"}), "there are: adamw, adamw.");
}

TEST_F(command, check_refuses_options_that_cannot_be) {
  expect_refused(assay({"check", "--on", "gpu"}), "unknown backend 'gpu'; there are: best");
  expect_refused(assay({"check", "--require", "emulator"}), "--require takes cuda");
  expect_refused(assay({"check", "--sanitize", "leakcheck"}), "unknown sanitizer 'leakcheck'");
  expect_refused(assay({"check", "--sanitize", ""}), "unknown sanitizer ''");
  expect_refused(assay({"check", "--on", "cuda", "--sanitize", "all"}), "is the emulator's");
  for (const char* text : {"-1", "1e3", "many", "1000000"})
    expect_refused(assay({"check", "--jobs", text}), "--jobs");
  for (const char* text : {"-1", "18446744073709551616", "x"})
    expect_refused(assay({"check", "--sched", text}), "--sched");
  for (const char* text : {"0", "-3", "soon", "nan"})
    expect_refused(assay({"check", "--time-limit", text}), "--time-limit");
}

TEST_F(command, check_can_be_interrupted_and_says_what_did_not_run) {
  const auto interrupt = [](pid_t child) {
    usleep(300'000);
    kill(child, SIGINT);
  };
  const ended result = assay({"check", "--on", "emulator"}, {.meanwhile = interrupt});
  EXPECT_EQ(result.code, 130);
  EXPECT_THAT(result.line_from_end(0),
              MatchesRegex("[0-9]+ cases: .* 0 failed, .*[1-9][0-9]* not run"));
}

TEST_F(command, colour_is_for_terminals_and_NO_COLOR_turns_it_off) {
  const std::vector<std::string> automatic = {"check", "relu.plain.fwd", "--color", "auto"};
  EXPECT_THAT(assay(automatic).out, Not(HasSubstr(k_escape)));
  EXPECT_THAT(assay(automatic, {.on_terminal = true}).out, HasSubstr(k_escape));
  EXPECT_THAT(assay(automatic, {.environment = {"NO_COLOR=1"}, .on_terminal = true}).out,
              Not(HasSubstr(k_escape)));
  EXPECT_THAT(assay({"check", "relu.plain.fwd", "--color", "always"}).out, HasSubstr(k_escape));
  EXPECT_THAT(assay({"--color", "never", "list"}, {.on_terminal = true}).out,
              Not(HasSubstr(k_escape)));
  expect_refused(assay({"--color", "red", "list"}), "--color");
}

TEST_F(command, a_full_standard_output_is_an_error) {
  for (const char* subcommand : {"list", "doctor", "check"}) {
    const ended result = assay({subcommand, subcommand == std::string("check") ? "relu" : "--json"},
                               {.to = "/dev/full"});
    EXPECT_EQ(result.code, 2) << subcommand;
    EXPECT_THAT(result.err, AllOf(HasSubstr("assay: "), HasSubstr("No space left on device")));
  }
}

}  // namespace
}  // namespace assay::tools::test
