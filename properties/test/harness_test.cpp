// The guards around a kernel call, each shown to bite: launchers that do one thing they must not.

#include "properties/harness.hpp"

#include "optimized/launcher.hpp"
#include "properties/distribution.hpp"
#include "properties/staged_call.hpp"
#include "properties/values.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

namespace assay::properties {
namespace {

using optimized::call;

case_id relu_case(std::int64_t n) {
  return parse_case("v1/relu.plain.fwd/x=fp32,y=fp32/n=" + std::to_string(n) +
                    "/dist=normal/seed=1");
}

// Stages relu's call around `launch`, runs it once, and says what it damaged.
std::string damage_by(void (*launch)(const call&, simt::queue&)) {
  const prepared_case prepared = prepare(relu_case(100));
  staged_call staged(*prepared.of, prepared.inputs, simt::plain_emulator(),
                     {"relu.plain.fwd", "broken", launch, nullptr});
  staged.execute({}, std::byte(0xff));
  return staged.damage();
}

std::byte* begin_of(const call& what, std::size_t tensor) {
  return static_cast<std::byte*>(what.tensors[tensor].data);
}

TEST(harness, sees_nothing_where_nothing_is_wrong) {
  EXPECT_EQ(damage_by([](const call& what, simt::queue& stream) {
              stream.fill(begin_of(what, 1), std::byte(0), what.tensors[1].bytes());
            }),
            "");
}

TEST(harness, sees_a_byte_written_behind_a_tensor) {
  for (auto* launch : {+[](const call& what, simt::queue& stream) {
                         stream.fill(begin_of(what, 1) + what.tensors[1].bytes(), std::byte(0), 1);
                       },
                       +[](const call& what, simt::queue& stream) {
                         stream.fill(begin_of(what, 0) + what.tensors[0].bytes(), std::byte(0), 1);
                       }})
    EXPECT_NE(damage_by(launch), "");
}

TEST(harness, sees_a_byte_written_before_a_tensor) {
  EXPECT_NE(damage_by([](const call& what, simt::queue& stream) {
              stream.fill(begin_of(what, 1) - 1, std::byte(0), 1);
            }),
            "");
}

TEST(harness, sees_an_input_that_was_written) {
  const std::string damage = damage_by([](const call& what, simt::queue& stream) {
    stream.fill(begin_of(what, 0) + 40, std::byte(0x11), 1);
  });
  EXPECT_NE(damage.find("input 'x'"), std::string::npos) << damage;
}

// What a kernel does not write is NaN, or another poison in the second run, and passes no
// comparison.
TEST(harness, poisons_outputs) {
  const prepared_case prepared = prepare(relu_case(64));
  staged_call staged(*prepared.of, prepared.inputs, simt::plain_emulator(),
                     {"relu.plain.fwd", "idle", [](const call&, simt::queue&) {}, nullptr});
  staged.execute({}, std::byte(0xff));
  const auto first = staged.outputs();
  staged.execute({}, std::byte(0x5a));
  EXPECT_NE(first, staged.outputs());
  const implementation& by = prepared.of->implementations.front();
  const auto verdicts = judge(prepared, by, {decoded(dtype::fp32, first[0])});
  EXPECT_EQ(verdicts[0].strict.failed, 64);
}

// relu, and every tenth element too far.
TEST(harness, tells_where_the_failed_elements_stand) {
  const prepared_case prepared = prepare(relu_case(100));
  std::vector<double> y = prepared.exact[0].rounded;
  for (std::size_t i = 0; i < y.size(); i += 10) y[i] += 1;
  const auto verdicts = judge(prepared, prepared.of->implementations.front(), {y});
  EXPECT_EQ(verdicts[0].strict.failed, 10);
  EXPECT_EQ(verdicts[0].strict.worst.index % 10, 0);
  EXPECT_NE(pattern_of(verdicts[0].strict, {}).find("index % 10 == 0"), std::string::npos)
      << pattern_of(verdicts[0].strict, {});
}

// relu's own kernel, but from the second run on as if y had 8 elements more, or as if x had never
// been written.
int runs = 0;
void too_long_from_the_second_run_on(const call& what, simt::queue& stream) {
  call as = what;
  if (++runs > 1)
    for (optimized::tensor& each : as.tensors) each.shape[0] += 8;
  optimized::find_launcher(simt::build::plain, "relu.plain.fwd", "select")->launch(as, stream);
}
void unwritten_from_the_second_run_on(const call& what, simt::queue& stream) {
  if (++runs > 1) stream.place().mark_uninitialised(what.tensors[0].data, what.tensors[0].bytes());
  optimized::find_launcher(simt::build::sanitized, "relu.plain.fwd", "select")
      ->launch(what, stream);
}

run_report run_twice(void (*launch)(const call&, simt::queue&), simt::build which,
                     const char* name) {
  optimized::add_launcher(which, {"relu.plain.fwd", name, launch, nullptr});
  prepared_case prepared = prepare(relu_case(100));
  contract c = *prepared.of;
  c.implementations.front().name = name;
  prepared.of = &c;
  run_settings settings;
  if (which == simt::build::sanitized) settings.sanitize = simt::sanitizer_tools{};
  runs = 0;
  run_report report = run({prepared.inputs.id, name, "emulator", 0}, prepared, settings);
  EXPECT_EQ(runs, 2);
  return report;
}

TEST(harness, looks_at_the_damage_of_the_second_run_too) {
  const run_report report =
      run_twice(too_long_from_the_second_run_on, simt::build::plain, "second_run_damages");
  EXPECT_EQ(report.result, outcome::failed);
  EXPECT_EQ(report.reason.rfind("in a second run: ", 0), 0) << report.reason;
}

TEST(harness, looks_at_the_findings_of_the_second_run_too) {
  const run_report report =
      run_twice(unwritten_from_the_second_run_on, simt::build::sanitized, "second_run_is_found");
  EXPECT_EQ(report.result, outcome::failed);
  EXPECT_FALSE(report.findings.empty()) << report.reason;
}

TEST(harness, does_not_run_in_place_what_does_not_work_so) {
  prepared_case prepared =
      prepare(parse_case("v1/relu.plain.fwd/x=fp32,y=fp32/n=4,inplace=1/dist=normal/seed=1"));
  EXPECT_EQ(run({prepared.inputs.id, "select", "emulator", 0}, prepared, {}).result,
            outcome::passed);
  contract c = *prepared.of;
  c.implementations.front().in_place = false;
  prepared.of = &c;
  EXPECT_EQ(run({prepared.inputs.id, "select", "emulator", 0}, prepared, {}).result,
            outcome::unsupported);
}

// Zeros make a gradient of alpha without an error: the least there is above zero is too much.
TEST(harness, takes_a_reduction_of_exact_terms_exactly) {
  const prepared_case prepared =
      prepare(parse_case("v1/gelu.scaled.bwd/x=fp32,dy=fp32,dx=fp32,dalpha=fp32/n=1000/"
                         "dist=constant,value=0/seed=1"));
  const implementation& by = prepared.of->implementations.front();
  std::vector<std::vector<double>> outputs = {prepared.exact[0].rounded, {0}};
  EXPECT_TRUE(judge(prepared, by, outputs)[1].strict.passed());
  outputs[1][0] = 0x1p-149;
  EXPECT_FALSE(judge(prepared, by, outputs)[1].strict.passed());
}

// An implementation with a domain is judged statistically too, by the elements inside.
TEST(harness, judges_the_scatter_of_an_implementation_with_a_domain) {
  const prepared_case prepared =
      prepare(parse_case("v1/silu.plain.bwd/x=fp32,dy=fp32,dx=fp32/n=4096/dist=normal,scale=60/"
                         "seed=1"));
  const implementation& by = *prepared.of->find("naive");
  const std::vector<bool> promised = promised_elements(prepared, by, 0);
  EXPECT_GT(std::count(promised.begin(), promised.end(), false), 100);
  std::vector<double> dx = prepared.exact[0].rounded;
  for (std::size_t i = 0; i < dx.size(); ++i)
    if (!promised[i]) dx[i] = 7;
  const scatter_verdict right = judge(prepared, by, {dx})[0].scatter;
  EXPECT_TRUE(right.judged);
  EXPECT_TRUE(right.passed()) << right.reason();
  // An error of half its bound in every element leaves the strict test content, and not this one.
  const std::vector<double> limits = strict_limits(prepared, by)[0];
  for (std::size_t i = 0; i < dx.size(); ++i) dx[i] = round_to(dtype::fp32, dx[i] + limits[i] / 2);
  const output_verdict leaning = judge(prepared, by, {dx})[0];
  EXPECT_TRUE(leaning.strict.passed());
  EXPECT_FALSE(leaning.scatter.passed());
}

// A missing tensor, or a short one, is no good one.
TEST(harness, judges_outputs_of_the_contract_s_sizes_only) {
  const prepared_case prepared = prepare(relu_case(4));
  const implementation& by = prepared.of->implementations.front();
  const std::vector<double> right = prepared.exact[0].rounded;
  EXPECT_TRUE(judge(prepared, by, {right})[0].strict.passed());
  for (const std::vector<std::vector<double>>& outputs :
       {std::vector<std::vector<double>>{}, {{}}, {{right[0]}}, {right, right}})
    EXPECT_THROW(judge(prepared, by, outputs), std::invalid_argument);
}

// A domain is one of the first input: a reduction is judged where all of it lies inside.
TEST(harness, judges_a_reduction_where_all_inputs_are_in_the_domain) {
  const prepared_case prepared =
      prepare(parse_case("v1/gelu.scaled.bwd/x=fp32,dy=fp32,dx=fp32,dalpha=fp32/n=8/dist=normal/"
                         "seed=1"));
  const std::vector<double>& x = prepared.inputs.values[0];
  implementation by = prepared.of->implementations.front();
  by.domain = [&](double at) { return at != x[5]; };
  const std::vector<bool> dx = promised_elements(prepared, by, 0);
  EXPECT_EQ(std::count(dx.begin(), dx.end(), true), 7);
  EXPECT_FALSE(dx[5]);
  EXPECT_EQ(promised_elements(prepared, by, 1), std::vector{false});
  by.domain = [&](double at) { return at != x[0] + 1e9; };
  EXPECT_EQ(promised_elements(prepared, by, 1), std::vector{true});
}

// What fuzzing called failures of kernels that were right: an infinite gradient that meets a
// derivative at the end of fp32's range, and differences beyond it that a temperature brings back.
TEST(harness, judges_no_element_of_which_the_arithmetic_decides_nothing) {
  for (const char* text :
       {"v1/gelu.scaled.bwd/x=bf16,dy=bf16,dx=bf16,dalpha=fp32/n=34,alpha=-15.033991813659668/"
        "dist=special/seed=0@impl=fused,on=emulator,sched=0",
        "v1/gelu.scaled.bwd/x=fp32,dy=fp32,dx=fp32,dalpha=fp32/n=37,alpha=44.64630126953125/"
        "dist=special/seed=407179069@impl=fused,on=emulator,sched=0",
        "v1/softmax.temperature.fwd/x=bf16,y=bf16/rows=20,n=9,temperature=3.4028234663852886e+38/"
        "dist=special/seed=2@impl=online_warp,on=emulator,sched=0"}) {
    const run_id id = parse_run(text);
    const run_report report = run(id, prepare(id.of), {});
    EXPECT_EQ(report.result, outcome::passed) << report.reason;
    const verdict& first = report.outputs[0].strict;
    EXPECT_LT(first.judged, first.elements);
    EXPECT_GT(first.judged, first.elements * 3 / 4);
    EXPECT_EQ(first.unbounded, 0);
  }
}

TEST(harness, a_run_names_what_does_not_exist) {
  const prepared_case prepared = prepare(relu_case(4));
  EXPECT_ANY_THROW(run({prepared.inputs.id, "selekt", "emulator", 0}, prepared, {}));
  EXPECT_ANY_THROW(run({prepared.inputs.id, "select", "abacus", 0}, prepared, {}));
}

}  // namespace
}  // namespace assay::properties
