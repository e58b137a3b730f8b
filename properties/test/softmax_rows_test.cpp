// Rows of softmax in memory: gaps between them, and rows of a million.

#include "optimized/launcher.hpp"
#include "properties/staged_call.hpp"
#include "properties/test/refusal.hpp"
#include "properties/test/softmax_support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace assay::properties {
namespace {

using optimized::call;

std::string plain(const std::string& shape) {
  return "v1/softmax.plain.fwd/x=fp32,y=fp32/" + shape + "/dist=normal/seed=1";
}

TEST(gaps, stand_in_a_case_whose_contract_takes_them) {
  EXPECT_EQ(refusal(plain("rows=3,n=5,align=4,inplace=1,pad=3")), "");
  EXPECT_EQ(refusal(plain("rows=3,n=5,pad=0")), "");
  EXPECT_EQ(refusal("v1/relu.plain.fwd/x=fp32,y=fp32/n=4,pad=0/dist=normal/seed=1"), "");
  EXPECT_THAT(refusal("v1/relu.plain.fwd/x=fp32,y=fp32/n=4,pad=1/dist=normal/seed=1"),
              testing::HasSubstr("relu.plain.fwd takes no gaps between rows (pad=)"));
  for (const char* pad : {"-1", "0.5", "1048577", "inf"})
    EXPECT_THAT(refusal(plain("rows=3,n=5,pad=" + std::string(pad))),
                testing::HasSubstr("is not an integer from 0 to 1048576"));
  EXPECT_THAT(refusal(plain("rows=1000000,n=1,pad=1048576")), testing::HasSubstr("too large"));
}

// 3 elements behind the rows of x, 6 behind the mask's, 9 behind y's; lengths have no rows.
TEST(gaps, are_other_ones_for_every_tensor) {
  using strides = std::vector<std::int64_t>;
  const fields shape = {{"batch", 2}, {"q", 4}, {"k", 5}, {"pad", 3}};
  const case_id added = softmax_case_of("additive", "fwd", dtype::fp32, shape),
                padded = softmax_case_of("padding", "fwd", dtype::fp32, shape);
  EXPECT_EQ(strides_of(contract_of(added), added, 0), (strides{32, 8, 1}));
  EXPECT_EQ(strides_of(contract_of(added), added, 1), (strides{11, 1}));
  EXPECT_EQ(strides_of(contract_of(added), added, 2), (strides{56, 14, 1}));
  EXPECT_EQ(strides_of(contract_of(padded), padded, 1), strides{});
  EXPECT_EQ(strides_of(contract_of(padded), padded, 2), (strides{44, 11, 1}));
}

// softmax's own kernel, but as if rows had an element more: it reads and writes between them.
template <simt::build Build>
void too_long(const call& what, simt::queue& stream) {
  call as = what;
  for (optimized::tensor& each : as.tensors) ++each.shape.back();
  as.tensors.front().shape.front() -= 1;
  as.tensors.back().shape.front() -= 1;
  optimized::find_launcher(Build, "softmax.plain.fwd", "online")->launch(as, stream);
}

TEST(gaps, show_what_is_written_to_them) {
  const case_id id =
      softmax_case_of("plain", "fwd", dtype::fp32, {{"rows", 4}, {"n", 5}, {"pad", 3}});
  const prepared_case prepared = prepare(id);
  for (std::byte poison : {std::byte(0xff), std::byte(0x5a)}) {
    const auto damage_by = [&](void (*launch)(const call&, simt::queue&)) {
      staged_call staged(*prepared.of, prepared.inputs, simt::plain_emulator(),
                         {"softmax.plain.fwd", "broken", launch, nullptr});
      staged.execute({}, poison);
      return staged.damage();
    };
    EXPECT_EQ(damage_by([](const call&, simt::queue&) {}), "");
    EXPECT_EQ(damage_by(too_long<simt::build::plain>), "'y' was written between its rows");
    EXPECT_EQ(damage_by([](const call& what, simt::queue& stream) {
                stream.fill(static_cast<std::byte*>(what.tensors[0].data) + 5 * 4, std::byte(1), 1);
              }),
              "'x' was written between its rows");
    EXPECT_EQ(damage_by([](const call& what, simt::queue& stream) {
                stream.fill(static_cast<std::byte*>(what.tensors[0].data) + 8 * 4, std::byte(1), 1);
              }),
              "input 'x' was changed");
  }
}

TEST(gaps, show_what_is_read_from_them) {
  const case_id id =
      softmax_case_of("plain", "fwd", dtype::fp32, {{"rows", 4}, {"n", 5}, {"pad", 3}});
  const prepared_case prepared = prepare(id);
  simt::backend& place = simt::sanitized_emulator();
  place.take_findings();
  for (auto* launch :
       {too_long<simt::build::sanitized>,
        optimized::find_launcher(simt::build::sanitized, "softmax.plain.fwd", "online")->launch}) {
    staged_call staged(*prepared.of, prepared.inputs, place,
                       {"softmax.plain.fwd", "broken", launch, nullptr});
    simt::emulation how;
    how.tools = simt::sanitizer_tools{};
    staged.execute(how, std::byte(0xff));
    const auto findings = place.take_findings();
    EXPECT_EQ(findings.empty(), launch != too_long<simt::build::sanitized>);
  }
}

// Words of 16 bytes where every row begins at one, whatever its length; else element by element.
TEST(gaps, leave_rows_that_begin_at_words_to_be_read_by_words) {
  const auto loads = [](std::int64_t pad) {
    const case_id id =
        softmax_case_of("plain", "fwd", dtype::bf16, {{"rows", 2}, {"n", 64}, {"pad", pad}});
    const prepared_case prepared = prepare(id);
    return run_of(prepared, *prepared.of->find("online"), true).counted.global_loads;
  };
  EXPECT_EQ(loads(8), 2u);
  EXPECT_EQ(loads(0), 2u);
  EXPECT_EQ(loads(4), 2 * 8u);
}

// Of a million: every kernel that takes such rows, judged by its strict bound. (Data that does not
// scatter in the statistical test's sense: that would draw each row 128 times over.)
using function_name = std::pair<const char*, const char*>;
class rows_of_a_million : public testing::TestWithParam<function_name> {};

std::string name_of_rows(const testing::TestParamInfo<function_name>& of) {
  return std::string(of.param.first) + "_" + of.param.second;
}

TEST_P(rows_of_a_million, pass) {
  const auto [variant, direction] = GetParam();
  const bool masked = std::string(variant) != "plain" && std::string(variant) != "log";
  const fields shape = masked ? fields{{"batch", 1}, {"q", 1}, {"k", 1'000'000}}
                              : fields{{"rows", 1}, {"n", 1'000'000}};
  const bool both = std::string(variant) == "plain";
  for (dtype type : both ? std::vector{dtype::fp32, dtype::bf16} : std::vector{dtype::fp16}) {
    const case_id id = softmax_case_of(variant, direction, type, shape, "ill_conditioned");
    case_inputs inputs = make_inputs(contract_of(id), id);
    if (std::string(variant) == "padding") inputs.values.back() = {999'999};
    const prepared_case prepared = prepared_with(id, inputs.values);
    int taken = 0;
    for (const implementation& by : prepared.of->implementations) {
      if (!by.declines(id).empty()) continue;
      run_settings once;
      once.repeat = false;
      const run_report report = run({id, by.name, "emulator", 0}, prepared, once);
      EXPECT_EQ(report.result, outcome::passed) << print(report.id) << ": " << report.reason;
      ASSERT_EQ(report.outputs.size(), 1u);
      EXPECT_EQ(report.outputs[0].strict.judged, 1'000'000);
      ++taken;
    }
    EXPECT_EQ(taken, 3);
  }
}

INSTANTIATE_TEST_SUITE_P(softmax, rows_of_a_million,
                         testing::Values(std::pair{"plain", "fwd"}, std::pair{"plain", "bwd"},
                                         std::pair{"log", "fwd"}, std::pair{"log", "bwd"},
                                         std::pair{"padding", "fwd"}, std::pair{"padding", "bwd"},
                                         std::pair{"additive", "fwd"}),
                         name_of_rows);

}  // namespace
}  // namespace assay::properties
