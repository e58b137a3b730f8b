// Where the time of a pass goes: of every operation, and to the one that takes it.

#include "tools/gpt2/pass_time.hpp"

#include "tools/gpt2/test/models.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace assay::gpt2 {
namespace {

constexpr double k_nap = 0.02;

optimized::launcher g_real;

void launch_late(const optimized::call& what, simt::queue& stream) {
  std::this_thread::sleep_for(std::chrono::duration<double>(k_nap));
  g_real.launch(what, stream);
}

// The fastest kernels, and of one operation that one, late.
kernel_choice late_at(const std::string& name) {
  const kernel_choice real = fastest_kernels(simt::build::plain);
  return [real, name](const operation& of, const plan& in) {
    optimized::launcher by = real(of, in);
    if (of.name != name) return by;
    g_real = by;
    by.launch = launch_late;
    return by;
  };
}

bool always(std::int64_t) { return true; }

TEST(pass_time, goes_to_the_operation_that_takes_it) {
  const model m = test::lively(test::tiny());
  const test::example of = test::example_of(m.config, 2, 5);
  executor by = loaded(m, of.tokens, of.targets, true, dtype::fp32,
                       {test::emulator(), late_at("h.1.mlp.c_fc")});
  const auto begun = std::chrono::steady_clock::now();
  const pass_times all = timed(by, 3, always);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - begun;
  ASSERT_EQ(all.operations.size(), by.of().operations.size());
  ASSERT_EQ(all.whole.size(), 3u);
  double sum = 0;
  for (std::size_t i = 0; i < all.operations.size(); ++i) {
    const timed_operation& each = all.operations[i];
    EXPECT_EQ(each.name, by.of().operations[i].name);
    ASSERT_EQ(each.seconds.size(), 3u);
    for (const double seconds : each.seconds) {
      EXPECT_GE(seconds, each.name == "h.1.mlp.c_fc" ? k_nap : 0) << each.name;
      sum += seconds;
    }
  }
  ASSERT_EQ(all.replayed.size(), 3u);
  for (const double each : all.whole) {
    EXPECT_GE(each, k_nap);
    sum += each;
  }
  for (const double each : all.replayed) sum += each;  // what is late to be launched is not here
  EXPECT_LE(sum, elapsed.count());                     // no moment is two operations'
  EXPECT_GE(timed_whole(by, false), k_nap);
}

TEST(pass_time, has_the_work_of_what_shapes_alone_decide) {
  const model m = test::lively(test::tiny());
  executor by = loaded_to_decode(m, 3, 6, dtype::bf16, execution_on(simt::build::plain));
  const pass_times all = timed(by, 1, always);
  const auto work_of = [&](const std::string& name) {
    return std::find_if(all.operations.begin(), all.operations.end(),
                        [&](const timed_operation& each) { return each.name == name; })
        ->work;
  };
  const auto head = work_of("head");
  ASSERT_TRUE(head);
  EXPECT_EQ(head->bytes, 2 * (3 * 8 + 11 * 8 + 3 * 11));
  EXPECT_EQ(head->flops, 2 * 3 * 8 * 11);
  EXPECT_FALSE(work_of("h.0.attention"));  // lengths say how much of a cache is read
  EXPECT_EQ(all.operations.back().name, "next");
}

// The sequence that is decoded is as long as was said: what comes is what a session gives.
TEST(pass_time, decodes_what_a_session_decodes) {
  const model m = test::lively(test::tiny());
  executor by = loaded_to_decode(m, 2, 1, dtype::fp32, execution_on(simt::build::plain));
  timed(by, 1, always);
  const auto other = make_kernel_engine(m, dtype::fp32, execution_on(simt::build::plain));
  EXPECT_EQ(by.download("logits"), other->begin(1)->extend({{0, 0}, 1}));
}

TEST(pass_time, ends_where_it_is_told_to) {
  const model m = test::lively(test::tiny());
  executor by = loaded_to_decode(m, 1, 3, dtype::fp32, execution_on(simt::build::plain));
  const pass_times all = timed(by, 5, [](std::int64_t done) { return done < 2; });
  EXPECT_EQ(all.whole.size(), 2u);
  EXPECT_EQ(all.operations[0].seconds.size(), 2u);
}

}  // namespace
}  // namespace assay::gpt2
