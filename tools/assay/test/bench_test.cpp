// bench, compare, history: as their users meet them.

#include "tools/assay/test/command.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

namespace assay::tools::test {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

// A file of Google Benchmark: each benchmark with 12 repetitions about its time.
std::string results(const std::vector<std::pair<std::string, double>>& benchmarks,
                    double scatter = 0.001, int repetitions = 12) {
  json entries = json::array();
  for (const auto& [name, time] : benchmarks)
    for (int i = 0; i < repetitions; ++i)
      entries.push_back({{"name", name},
                         {"run_name", name},
                         {"run_type", "iteration"},
                         {"real_time", time * (1 + scatter * ((i * 7 + int(time * 10)) % 12))},
                         {"time_unit", "us"}});
  return json{{"context", json::object()}, {"benchmarks", entries}}.dump();
}

TEST_F(command, compare_answers_per_benchmark) {
  write("before.json", results({{"a/manual_time", 10}, {"b", 20}, {"c", 30}, {"gone", 1}}));
  write("after.json", results({{"a/manual_time", 13}, {"b", 20.01}, {"c", 20}, {"new", 1}}));
  const ended result = assay({"compare", "before.json", "after.json"});
  EXPECT_EQ(result.code, 3);
  EXPECT_THAT(result.out, ContainsRegex("\na +10.* us +13.* us +1.30.* SLOW"));
  EXPECT_THAT(result.out, ContainsRegex("\nb .* SAME"));
  EXPECT_THAT(result.out, ContainsRegex("\nc .* 0.66.* FAST"));
  EXPECT_THAT(result.out, AllOf(HasSubstr("only before  gone"), HasSubstr("only after   new")));
  EXPECT_EQ(result.line_from_end(0), "3 benchmarks: 1 FAST, 1 SLOW, 1 SAME, 0 AMBIGUOUS");
  EXPECT_EQ(assay({"compare", "after.json", "after.json"}).code, 0);

  const json told = assay({"compare", "before.json", "after.json", "--json"}).json();
  EXPECT_EQ(told.at("summary").at("SLOW"), 1);
  EXPECT_EQ(told.at("benchmarks").at(0).at("answer"), "SLOW");
  // Both sides scatter by the same twelve factors, so that their ratios lie symmetrically about 13
  // / 10: ten roundings on the way to the middle.
  EXPECT_NEAR(told.at("benchmarks").at(0).at("ratio").get<double>(), 1.3, 10 * 0x1p-53 * 1.3);
  EXPECT_EQ(told.at("only_after"), json{"new"});
}

TEST_F(command, benchmarks_of_which_none_was_chosen_are_no_success) {
  const how timing{.program = std::string(ASSAY_COMMAND) + "_bench"};
  const std::string list = "--benchmark_list_tests";
  EXPECT_EQ(assay({list, "--benchmark_filter=relu.plain.fwd/select"}, timing).code, 0);
  EXPECT_EQ(assay({list, "--benchmark_filter=none_such"}, timing).code, 1);
}

TEST_F(command, compare_takes_back_what_a_second_pair_does_not_show) {
  write("a.json", results({{"a", 10}}));
  write("b.json", results({{"a", 12}}));
  EXPECT_EQ(assay({"compare", "a.json", "b.json", "--again", "a.json", "b.json"}).code, 3);
  const ended result = assay({"compare", "a.json", "b.json", "--again", "a.json", "a.json"});
  EXPECT_EQ(result.code, 0);
  EXPECT_THAT(result.out, HasSubstr("it looked SLOW, and a second set of samples said SAME"));
}

TEST_F(command, compare_says_ambiguous_and_fails_on_it_if_asked) {
  write("a.json", results({{"few", 10}}, 0.001, 11));
  write("b.json", results({{"few", 12}}, 0.001, 11));
  EXPECT_EQ(assay({"compare", "a.json", "b.json"}).code, 0);
  const ended result = assay({"compare", "a.json", "b.json", "--fail-on-ambiguous"});
  EXPECT_EQ(result.code, 5);
  EXPECT_THAT(result.out, HasSubstr("11 samples a side, 12 are needed"));
}

TEST_F(command, compare_keeps_to_waivers_until_they_expire) {
  write("a.json", results({{"a/manual_time", 10}, {"b", 10}}));
  write("b.json", results({{"a/manual_time", 12}, {"b", 10}}));
  write("w", R"({"id":"a","reason":"the NaN rule","until":"2999-12-31"})");
  const ended waived = assay({"compare", "a.json", "b.json", "--waivers", "w"});
  EXPECT_EQ(waived.code, 0);
  EXPECT_THAT(waived.out,
              AllOf(HasSubstr("SLOW"), HasSubstr("waived until 2999-12-31: the NaN rule"),
                    HasSubstr("1 SLOW (1 of them waived)")));
  write("w", R"({"id":"a","reason":"the NaN rule","until":"2020-12-31"})");
  const ended expired = assay({"compare", "a.json", "b.json", "--waivers", "w"});
  EXPECT_EQ(expired.code, 3);
  EXPECT_THAT(expired.err, HasSubstr("the waiver of a expired on 2020-12-31"));
  write("w", "nonsense");
  expect_refused(assay({"compare", "a.json", "b.json", "--waivers", "w"}), "'w', line 1");
}

TEST_F(command, compare_refuses_what_is_no_result) {
  write("good.json", results({{"a", 10}}));
  write("other.json", results({{"b", 10}}));
  write("text", "not json");
  write("empty.json", "{}");
  expect_refused(assay({"compare", "good.json", "text"}), "'text' is no JSON");
  expect_refused(assay({"compare", "good.json", "empty.json"}), "no result of Google Benchmark");
  expect_refused(assay({"compare", "good.json", "absent"}), "absent");
  expect_refused(assay({"compare", "good.json", "other.json"}), "no benchmark in common");
  expect_refused(assay({"compare", "good.json"}), "AFTER is required");
}

TEST_F(command, bench_times_kernels_and_the_reference_and_history_keeps_them) {
  const ended result =
      assay({"bench", "relu.plain.fwd/*/fp32/*", "--cache", "both", "--elements", "10000",
             "--min-time", "0.001", "--out", "now.json", "--baseline", "relu.plain.fwd/select"});
  EXPECT_EQ(result.code, 0) << result.err;
  EXPECT_THAT(result.out,
              AllOf(ContainsRegex("relu.plain.fwd +reference +fp32 +host +warm"),
                    ContainsRegex("relu.plain.fwd +select +fp32 +emulator +cold .*B .* % "),
                    ContainsRegex("emulator +warm .* 1.00\n")));
  const json file = json::parse(contents("now.json"));
  EXPECT_FALSE(file.at("context").contains("host_name"));
  for (const json& each : file.at("benchmarks")) {
    EXPECT_EQ(each.at("run_type"), "iteration");
    EXPECT_GT(each.at("real_time"), 0);
    EXPECT_GT(each.at("bytes_per_second"), 0);
    const bool cold = each.at("name").get<std::string>().find("/cold") != std::string::npos;
    EXPECT_EQ(each.contains("fraction_of_copy"), cold);
  }

  EXPECT_THAT(assay({"history", "add", "now.json", "--history", "h"}).out,
              HasSubstr("records added"));
  EXPECT_THAT(assay({"history", "add", "now.json", "--history", "h"}).out,
              HasSubstr("nothing added"));
  const ended shown = assay({"history", "show", "emulator/warm", "--history", "h"});
  EXPECT_EQ(shown.code, 0);
  EXPECT_THAT(shown.out, AllOf(HasSubstr("relu.plain.fwd/select/fp32/emulator/warm"),
                               HasSubstr("cores"), HasSubstr("1 records")));
  EXPECT_THAT(shown.out, Not(HasSubstr("cold")));
  expect_refused(assay({"history", "show", "nothing", "--history", "h"}), "no record of these");
  write("plain.json", results({{"a", 1}}));
  expect_refused(assay({"history", "add", "plain.json", "--history", "h"}), "on which machine");
}

TEST_F(command, bench_claims_are_written_where_a_readme_has_a_place_for_them) {
  expect_refused(assay({"bench", "claims"}), "this folder is in no git repository");
  expect_refused(assay({"bench", "claims", "--root", "."}), "optimized/README.md: cannot be read");
  std::system(("mkdir -p " + path("optimized")).c_str());
  write("optimized/README.md", "before\n");
  expect_refused(assay({"bench", "claims", "--root", "."}),
                 "there is no one section between '<!-- assay bench claims attention -->'");
  const auto readme = [](const std::string& attention, const std::string& mask) {
    return "before\n<!-- assay bench claims attention -->\n" + attention +
           "<!-- end -->\nbetween\n<!-- assay bench claims causal_mask -->\n" + mask +
           "<!-- end -->\nbehind\n";
  };
  write("optimized/README.md", readme("old\n", "old\n"));
  const ended told = assay({"bench", "claims", "--root", ".", "--write"});
  EXPECT_EQ(told.code, 0) << told.err;
  EXPECT_THAT(told.out, HasSubstr("| 1,048,576 | 4,194,820 | 516 | 516 |"));
  const std::string whole = contents("optimized/README.md");
  const auto section = [&](const std::string& name) {
    const std::string begin = "<!-- assay bench claims " + name + " -->\n";
    const std::size_t first = whole.find(begin) + begin.size();
    return whole.substr(first, whole.find("<!-- end -->", first) - first);
  };
  EXPECT_EQ(whole, readme(section("attention"), section("causal_mask")));
  for (const char* each : {"attention", "causal_mask"}) {
    EXPECT_NE(section(each), "old\n");
    EXPECT_THAT(told.out, HasSubstr(section(each)));
  }
}

TEST_F(command, history_marks_where_a_series_changed) {
  std::string lines;
  for (int day = 1; day <= 28; ++day)
    lines +=
        json{{"benchmark", "b"},
             {"time", (day < 10 ? "2026-02-0" : "2026-02-") + std::to_string(day) + "T00:00:00Z"},
             {"seconds", {(day < 15 ? 1.0 : 1.2) + 0.001 * (day * 5 % 7)}},
             {"source", {{"commit", day < 15 ? "aaaa" : "bbbb"}}},
             {"software", {{"compiler", day < 15 ? "g++ 12" : "g++ 13"}}}}
            .dump() +
        "\n";
  std::system(("mkdir -p " + path("h/m")).c_str());
  write("h/m/2026-02.jsonl", lines);
  const ended result = assay({"history", "show", "--history", "h"});
  EXPECT_THAT(result.out, AllOf(HasSubstr("28 records, 2026-02-01 to 2026-02-28"), HasSubstr("|"),
                                HasSubstr("2026-02-15T00:00:00Z  1.003 s -> 1.203 s (1.199)"),
                                HasSubstr("aaaa..bbbb; compiler g++ 12 -> g++ 13")));
  const json told = assay({"history", "show", "--history", "h", "--json"}).json();
  EXPECT_EQ(told.at(0).at("changes").at(0).at("time"), "2026-02-15T00:00:00Z");
}

TEST_F(command, bench_refuses_what_it_cannot_do) {
  expect_refused(assay({"bench", "rleu.plain.fwd"}), "did you mean relu.plain.fwd");
  expect_refused(assay({"bench", "relu", "--cache", "hot"}), "--cache");
  expect_refused(assay({"bench", "relu", "--min-time", "0"}), "no number of seconds above 0");
  expect_refused(assay({"bench", "relu", "--against", "HEAD", "--build", "."}), "is no build tree");
  expect_refused(assay({"bench", "relu", "--against", "HEAD", "--processes", "5"}),
                 "a comparison needs 12 samples a side");
  expect_refused(assay({"bench", "counters", "relu"}), "in no git repository");
  expect_refused(assay({"bench", "waive", "x", "--until", "2999-01-01"}), "--reason is required");
  expect_refused(assay({"bench", "waive", "x", "--reason", "r", "--until", "soon"}), "no date");
  expect_refused(assay({"bench", "waive", "x", "--reason", "r", "--until", "2020-01-01"}),
                 "is over");
  expect_refused(assay({"bench", "waive", "relu.plain.fwd/select/fp32/emulator/hot", "--reason",
                        "r", "--until", "2999-01-01", "--waivers", "w"}),
                 "did you mean relu.plain.fwd/select/fp32/emulator/");
  EXPECT_FALSE(exists("w"));
}

TEST_F(command, bench_resources_fails_where_a_kernel_spills) {
  expect_refused(assay({"bench", "resources", "--build", "."}),
                 "'.' has no report of a kernel: it was built without nvcc");
  write("a.cu.o", "");
  const auto report = [](const std::string& spilled) {
    return "ptxas info    : Compiling entry function '_Z4tallPf' for 'sm_90a'\n    0 bytes stack "
           "frame, " +
           spilled +
           " bytes spill stores, 0 bytes spill loads\nptxas info    : Used 255 registers\n";
  };
  write("a.cu.o.ptxas", report("0"));
  EXPECT_EQ(assay({"bench", "resources", "--build", "."}).code, 0);
  write("a.cu.o.ptxas", report("8"));
  const ended spilling = assay({"bench", "resources", "--build", "."});
  EXPECT_EQ(spilling.code, 1);
  EXPECT_THAT(spilling.out, ContainsRegex("255 +8 +0 +0  tall"));
  EXPECT_EQ(spilling.line_from_end(0), "1 kernels, 1 spill registers");
  expect_refused(assay({"bench", "resources", "--build", ".", "short"}),
                 "no kernel has a name like 'short'");
}

TEST_F(command, bench_waive_writes_a_line) {
  const std::vector<std::string> words = {
      "bench",      "waive",        "relu.plain.fwd/select/fp32/emulator/warm",
      "--reason",   "the NaN rule", "--until",
      "2999-01-31", "--waivers",    "w"};
  EXPECT_EQ(assay(words).code, 0);
  EXPECT_EQ(contents("w"),
            "{\"id\":\"relu.plain.fwd/select/fp32/emulator/warm\",\"reason\":\"the NaN rule\","
            "\"until\":\"2999-01-31\"}\n");
}

TEST_F(command, bench_counters_notices_and_accepts_a_change) {
  const std::vector<std::string> look = {"bench", "counters", "relu.plain.fwd", "--counters", "c"};
  // A name without a value is taken out of the environment: the tests themselves may run in CI.
  std::vector<std::string> accept = look;
  for (const char* word : {"--accept", "--reason", "first"}) accept.emplace_back(word);
  EXPECT_THAT(assay(look).out, HasSubstr("it has no accepted counters"));
  expect_refused(assay(accept, {.environment = {"CI=true"}}), "refused where CI is set");
  expect_refused(assay({"bench", "counters", "relu", "--counters", "c", "--accept"}), "--reason");
  EXPECT_FALSE(exists("c"));
  EXPECT_EQ(assay(accept, {.environment = {"CI"}}).code, 0);
  EXPECT_EQ(assay(look).code, 0);
  std::string table = contents("c/relu.jsonl");
  const std::size_t at = table.find("global_load_bytes\":") + 19;
  table.insert(at, "9");
  write("c/relu.jsonl", table);
  const ended changed = assay(look);
  EXPECT_EQ(changed.code, 1);
  EXPECT_THAT(changed.out,
              ContainsRegex("v1/relu.plain.fwd/.*: global_load_bytes 9[0-9]+ -> [0-9]+\n"));
  EXPECT_EQ(assay(accept, {.environment = {"CI"}}).code, 0);
  EXPECT_EQ(assay(look).code, 0);
}

}  // namespace
}  // namespace assay::tools::test
