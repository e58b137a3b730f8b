// Work that is recorded and replayed: it is what runs, launches nothing anew, and ends with its
// plan.

#include "tools/gpt2/pass_time.hpp"
#include "tools/gpt2/test/models.hpp"

#include <gtest/gtest.h>

namespace assay::gpt2 {
namespace {

int g_launches = 0;
optimized::launcher g_real;

void launch_counted(const optimized::call& what, simt::queue& stream) {
  ++g_launches;
  g_real.launch(what, stream);
}

// The fastest kernels; launches of the head are counted.
execution counting() {
  const kernel_choice real = fastest_kernels(simt::build::plain);
  return {test::emulator(), [real](const operation& of, const plan& in) {
            optimized::launcher by = real(of, in);
            if (of.name != "head") return by;
            g_real = by;
            by.launch = launch_counted;
            return by;
          }};
}

int launches_of(const std::function<void()>& what) {
  g_launches = 0;
  what();
  return g_launches;
}

model of_context(std::int64_t context) {
  gpt2_config config = test::tiny();
  config.context = context;
  return test::lively(config);
}

TEST(replay, is_the_pass_on_what_memory_holds) {
  const model m = of_context(6);
  const auto after = [&](std::vector<double> tokens, bool replayed) {
    executor by = loaded_to_decode(m, 2, 5, dtype::fp32, counting());
    EXPECT_EQ(launches_of([&] { by.replay(); }), 1);  // it is recorded
    by.upload("tokens", tokens);
    EXPECT_EQ(launches_of([&] { replayed ? by.replay() : by.run(0, by.of().operations.size()); }),
              replayed ? 0 : 1);
    std::vector<double> all = by.download("logits");
    for (const double next : by.download("next_tokens")) all.push_back(next);
    return all;
  };
  EXPECT_EQ(after({3, 8}, true), after({3, 8}, false));
  EXPECT_NE(after({3, 8}, true), after({3, 7}, true));
}

TEST(replay, is_timed_without_a_launch) {
  executor by = loaded_to_decode(of_context(6), 1, 3, dtype::fp32, counting());
  by.replay();
  EXPECT_EQ(launches_of([&] { timed_whole(by, true); }), 0);
  EXPECT_EQ(launches_of([&] { timed_whole(by, false); }), 1);
}

// Steps of one token are recorded with the second and replayed from then on, until there is another
// plan. A session that asks for logits and tokens by turns has another plan at every step.
TEST(replay, of_a_session_changes_no_bit) {
  const model m = of_context(16);
  const auto by = make_kernel_engine(m, dtype::fp32, counting());
  const std::int64_t lengths[] = {3, 1, 1, 1, 1, 2, 1, 1, 1};
  const int launches[] = {1, 1, 1, 0, 0, 1, 1, 1, 0};
  const auto step = [&](std::size_t k) {
    reference::token_batch news{{}, lengths[k]};
    for (std::int64_t i = 0; i < 2 * lengths[k]; ++i) news.ids.push_back((5 * i + 3 * k) % 11);
    return news;
  };
  const auto whole = by->begin(16), even = by->begin(16), odd = by->begin(16);
  for (std::size_t k = 0; k < std::size(lengths); ++k) {
    std::vector<double> logits;
    EXPECT_EQ(launches_of([&] { logits = whole->extend(step(k)); }), launches[k]) << k;
    EXPECT_EQ(logits, (k % 2 == 0 ? even : odd)->extend(step(k))) << k;
    (k % 2 == 0 ? odd : even)->next(step(k), {.greedy = true}, std::int64_t(k));
  }
}

}  // namespace
}  // namespace assay::gpt2
