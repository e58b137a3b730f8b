// Every case of every contract, by every implementation, on the emulator: plain, and sanitized
// under several orders of threads.

#include "optimized/launcher.hpp"
#include "properties/harness.hpp"
#include "properties/test/every.hpp"

#include <gtest/gtest.h>

namespace assay::properties {
namespace {

class contracts_on_the_emulator : public testing::TestWithParam<pair_under_test> {};

constexpr std::int64_t k_sanitized_elements = 5000;  // the longer cases repeat what these cover

// Does the implementation take the case? One that declines says so: the run is unsupported.
bool takes(const pair_under_test& pair, const case_id& id) {
  return !pair.by->declines || pair.by->declines(id).empty();
}

run_id run_of(const case_id& id, const implementation& by, std::uint64_t schedule) {
  return {id, by.name, "emulator", schedule};
}

TEST_P(contracts_on_the_emulator, pass_all_their_cases) {
  ASSERT_FALSE(GetParam().of->cases.empty());
  for (const case_id& id : GetParam().of->cases) {
    const run_report report = run(run_of(id, *GetParam().by, 0), prepare(id), {});
    if (!takes(GetParam(), id)) {
      EXPECT_EQ(report.result, outcome::unsupported) << print(report.id);
      continue;
    }
    EXPECT_EQ(report.result, outcome::passed) << print(report.id) << ": " << report.reason;
    EXPECT_EQ(report.outputs.size(), GetParam().of->outputs.size());
    EXPECT_TRUE(report.repeats.value_or(false) || !GetParam().by->deterministic);
  }
}

TEST_P(contracts_on_the_emulator, pass_under_every_sanitizer_in_any_order_of_threads) {
  run_settings settings;
  settings.sanitize = simt::sanitizer_tools{};
  std::uint64_t schedule = 0;
  for (const case_id& id : GetParam().of->cases) {
    if (elements_of(*GetParam().of, id) > k_sanitized_elements || !takes(GetParam(), id)) continue;
    const run_report report =
        run(run_of(id, *GetParam().by, schedule++ % 4), prepare(id), settings);
    EXPECT_EQ(report.result, outcome::passed) << print(report.id) << ": " << report.reason;
    EXPECT_TRUE(report.findings.empty());
  }
}

// The plain build, the sanitized one and any order of threads give the same bits.
TEST_P(contracts_on_the_emulator, give_the_same_bits_in_both_builds_and_any_order) {
  run_settings sanitized, alone;
  sanitized.sanitize = simt::sanitizer_tools{};
  alone.workers = 1;
  for (const std::vector<dtype>& types : signatures_of(GetParam())) {
    const case_id id = retyped(GetParam().of->decoy_case, types);
    const prepared_case prepared = prepare(id);
    const auto plain = run(run_of(id, *GetParam().by, 0), prepared, {}).output_bytes;
    for (std::uint64_t schedule : {0u, 1u, 2u}) {
      // Sums by atomics have the same bits in one order of threads, and not in all.
      if (schedule != 0 && !GetParam().by->deterministic) continue;
      const run_id other = run_of(id, *GetParam().by, schedule);
      EXPECT_EQ(run(other, prepared, sanitized).output_bytes, plain) << print(other);
      EXPECT_EQ(run(other, prepared, alone).output_bytes, plain) << print(other);
    }
  }
}

std::size_t workspace_of(const pair_under_test& pair, const case_id& id) {
  const optimized::launcher* const launcher =
      optimized::find_launcher(simt::build::plain, pair.of->function(), pair.by->name);
  if (!launcher->workspace) return 0;
  optimized::call call;
  for (const auto* tensors : {&pair.of->inputs, &pair.of->outputs})
    for (const tensor_spec& tensor : *tensors)
      call.tensors.push_back({nullptr, id.type_of(tensor.name), shape_of(tensor, id)});
  return launcher->workspace(call);
}

// Every input is read once and every output written once: the contract's bytes, counted; and
// scratch memory is written once and read once. Or what else the implementation declares.
TEST_P(contracts_on_the_emulator, move_the_bytes_of_the_contract) {
  run_settings settings;
  settings.sanitize = simt::sanitizer_tools{};
  settings.repeat = false;
  for (const std::vector<dtype>& types : signatures_of(GetParam())) {
    const case_id id = retyped(GetParam().of->decoy_case, types);
    const run_report report = run(run_of(id, *GetParam().by, 0), prepare(id), settings);
    const simt::counters& count = report.counted;
    const double moved =
        double(count.global_load_bytes + count.global_store_bytes + count.global_atomic_bytes);
    const double expected = GetParam().by->traffic ? GetParam().by->traffic(id)
                                                   : GetParam().of->cost_of(id).bytes +
                                                         2.0 * double(workspace_of(GetParam(), id));
    EXPECT_EQ(moved, expected) << print(id);
  }
}

class elementwise_on_the_emulator : public testing::TestWithParam<pair_under_test> {};

// Element-wise functions: by words of 16 bytes, a warp 512 bytes at a time; scratch memory by one
// float a block, which the last kernel reads by one warp, as long as it is no longer than a warp.
TEST_P(elementwise_on_the_emulator, move_16_bytes_at_a_time) {
  run_settings settings;
  settings.sanitize = simt::sanitizer_tools{};
  settings.repeat = false;
  const contract& c = *GetParam().of;
  const auto warps_for = [&](const std::vector<tensor_spec>& tensors, const case_id& id) {
    std::uint64_t warps = 0;
    for (const tensor_spec& each : tensors)
      warps += each.shape.empty() ? 1 : 4096 * size_of(id.type_of(each.name)) / (16 * 32);
    return warps;
  };
  for (const std::vector<dtype>& types : c.signatures) {
    case_id id = retyped(c.decoy_case, types);
    id.shape.front().value = 4096;
    const std::uint64_t floats = workspace_of(GetParam(), id) / 4;
    ASSERT_LE(floats, 32);
    const simt::counters counted =
        run(run_of(id, *GetParam().by, 0), prepare(id), settings).counted;
    EXPECT_EQ(counted.global_loads, warps_for(c.inputs, id) + (floats > 0)) << print(id);
    EXPECT_EQ(counted.global_stores, warps_for(c.outputs, id) + floats) << print(id);
  }
}

INSTANTIATE_TEST_SUITE_P(every, contracts_on_the_emulator,
                         testing::ValuesIn(every_implementation()), name_of_pair);
// But those that say what else they move.
std::vector<pair_under_test> every_one_by_words() {
  std::vector<pair_under_test> all = every_implementation(1);
  std::erase_if(all, [](const pair_under_test& each) { return bool(each.by->traffic); });
  return all;
}
INSTANTIATE_TEST_SUITE_P(every, elementwise_on_the_emulator,
                         testing::ValuesIn(every_one_by_words()), name_of_pair);

}  // namespace
}  // namespace assay::properties
