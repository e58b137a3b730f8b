#include "bench/results.hpp"

#include "properties/bad_input.hpp"

#include <gtest/gtest.h>

namespace assay::bench {
namespace {

// As Google Benchmark 1.7 writes it, with two repetitions, their aggregate, and one that failed.
constexpr const char* k_file = R"({
  "context": {"date": "2026-11-21T22:00:00+00:00", "num_cpus": 2},
  "benchmarks": [
    {"name": "a/manual_time", "family_index": 0, "run_name": "a/manual_time", "run_type": "iteration",
     "repetitions": 2, "repetition_index": 0, "threads": 1, "iterations": 10, "real_time": 1.5e+00,
     "cpu_time": 2.0, "time_unit": "us", "bytes_per_second": 4e9},
    {"name": "a/manual_time", "family_index": 0, "run_name": "a/manual_time", "run_type": "iteration",
     "repetitions": 2, "repetition_index": 1, "threads": 1, "iterations": 10, "real_time": 2.5,
     "cpu_time": 2.0, "time_unit": "us"},
    {"name": "a/manual_time_mean", "run_name": "a/manual_time", "run_type": "aggregate",
     "aggregate_name": "mean", "real_time": 2.0, "time_unit": "us"},
    {"name": "b", "run_name": "b", "run_type": "iteration", "error_occurred": true,
     "error_message": "wrong", "iterations": 0, "real_time": 0, "time_unit": "ns"},
    {"name": "old", "iterations": 10, "real_time": 3, "cpu_time": 3}
  ]
})";

TEST(results, are_read_as_google_benchmark_writes_them) {
  const results all = parse_results(k_file, "f");
  ASSERT_EQ(all.benchmarks.size(), 3u);
  EXPECT_EQ(all.benchmarks[0].name, "a/manual_time");
  EXPECT_EQ(all.benchmarks[0].seconds, (std::vector<double>{1.5 * 1e-6, 2.5 * 1e-6}));
  EXPECT_EQ(all.benchmarks[0].entries[0].at("bytes_per_second"), 4e9);
  EXPECT_EQ(all.benchmarks[1].error, "wrong");
  EXPECT_TRUE(all.benchmarks[1].seconds.empty());
  EXPECT_EQ(all.benchmarks[2].seconds, std::vector<double>{3 * 1e-9});  // no unit: ns, no run_name
  EXPECT_EQ(all.context.at("num_cpus"), 2);
}

TEST(results, come_back_as_they_were_written) {
  const results all = parse_results(k_file, "f");
  const results again = parse_results(to_text(all), "g");
  ASSERT_EQ(again.benchmarks.size(), all.benchmarks.size());
  for (std::size_t i = 0; i < all.benchmarks.size(); ++i) {
    EXPECT_EQ(again.benchmarks[i].name, all.benchmarks[i].name);
    EXPECT_EQ(again.benchmarks[i].seconds, all.benchmarks[i].seconds);
    EXPECT_EQ(again.benchmarks[i].error, all.benchmarks[i].error);
  }
  EXPECT_EQ(again.context, all.context);
}

std::string refusal(const std::string& text) {
  try {
    parse_results(text, "file");
  } catch (const bad_input& wrong) {
    return wrong.what();
  }
  return "accepted";
}

TEST(results, that_are_none_are_refused_with_the_place) {
  const auto entry = [](const std::string& rest) {
    return R"({"benchmarks": [{"name": "a")" + rest + "}]}";
  };
  EXPECT_EQ(refusal("{"), "'file' is no JSON");
  EXPECT_EQ(refusal("[]"), "'file' is no result of Google Benchmark: it has no list 'benchmarks'");
  EXPECT_EQ(refusal(R"({"benchmarks": []})"), "'file' holds no benchmark");
  EXPECT_EQ(refusal(R"({"benchmarks": [7]})"), "'file', benchmarks[0] is no object");
  EXPECT_EQ(refusal(R"({"benchmarks": [{"real_time": 1}]})"), "'file', benchmarks[0] has no name");
  EXPECT_EQ(refusal(entry("")), "'file', benchmarks[0] (a) has no number 'real_time'");
  EXPECT_EQ(refusal(entry(R"(, "real_time": "fast")")),
            "'file', benchmarks[0] (a) has no number 'real_time'");
  EXPECT_EQ(refusal(entry(R"(, "real_time": -1)")),
            "'file', benchmarks[0] (a): 'real_time' is -1, no positive number");
  EXPECT_EQ(refusal(entry(R"(, "real_time": 0)")),
            "'file', benchmarks[0] (a): 'real_time' is 0, no positive number");
  EXPECT_EQ(refusal(entry(R"(, "real_time": 1, "time_unit": "h")")),
            "'file', benchmarks[0]: unknown time_unit 'h'; there are: ns, us, ms, s");
  EXPECT_EQ(refusal(entry(R"(, "run_type": "aggregate", "real_time": 1)")),
            "'file': 'a' has aggregates and no repetitions; make it without "
            "--benchmark_report_aggregates_only");
}

TEST(short_name, is_without_what_google_benchmark_appends) {
  EXPECT_EQ(short_name("f.fwd/fused/fp32/cuda/cold/iterations:30/repeats:3/manual_time"),
            "f.fwd/fused/fp32/cuda/cold");
  EXPECT_EQ(short_name("BM_copy/4096/real_time"), "BM_copy/4096");
  EXPECT_EQ(short_name("manual_time"), "manual_time");
}

}  // namespace
}  // namespace assay::bench
