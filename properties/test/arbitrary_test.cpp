// Cases as RapidCheck draws them: valid ids of every target, which shrink to the simplest that
// fails.

#include "properties/arbitrary.hpp"

#include "properties/test/every.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <set>

namespace assay::properties {
namespace {

std::vector<fuzz_target> every_target() {
  std::vector<fuzz_target> all;
  for (const pair_under_test& pair : every_implementation())
    for (const std::vector<dtype>& types : signatures_of(pair))
      all.push_back({pair.of, pair.by, types, "emulator"});
  return all;
}

fuzz_target target_of(const std::string& function) {
  for (const fuzz_target& each : every_target())
    if (each.of->function() == function) return each;
  throw std::runtime_error("no function " + function);
}

// Follows the shrinks of a failing run to one of which none fails.
run_id simplest(rc::Shrinkable<run_id> failing, const std::function<bool(const run_id&)>& fails) {
  for (;;) {
    rc::Seq<rc::Shrinkable<run_id>> shrinks = failing.shrinks();
    bool found = false;
    while (!found) {
      rc::Maybe<rc::Shrinkable<run_id>> next = shrinks.next();
      if (!next) return failing.value();
      if (fails(next->value())) failing = *next, found = true;
    }
  }
}

TEST(arbitrary, runs_of_every_target_are_valid_and_taken) {
  for (const fuzz_target& each : every_target()) {
    const rc::Gen<run_id> any = any_run(each);
    for (std::uint64_t i = 0; i < 40; ++i) {
      const run_id run = drawn_run(any, 1, i).value();
      ASSERT_EQ(parse_run(print(run)), run) << print(run);
      ASSERT_NO_THROW(validate(*each.of, run.of)) << print(run);
      EXPECT_EQ(run.implementation, each.by->name);
      EXPECT_EQ(each.by->declines ? each.by->declines(run.of) : "", "") << print(run);
    }
  }
}

TEST(arbitrary, a_run_depends_on_its_seed_and_index_alone) {
  const rc::Gen<run_id> any = any_run(target_of("softmax.plain.fwd"));
  EXPECT_EQ(drawn_run(any, 5, 17).value(), drawn_run(any, 5, 17).value());
  std::set<std::string> different;
  for (std::uint64_t seed : {1, 2})
    for (std::uint64_t i = 0; i < 100; ++i)
      different.insert(print(drawn_run(any, seed, i).value()));
  EXPECT_EQ(different.size(), 200u);
}

TEST(arbitrary, a_failing_run_shrinks_to_the_simplest) {
  const fuzz_target target = target_of("softmax.plain.fwd");
  const rc::Gen<run_id> any = any_run(target);
  const auto fails = [](const run_id& r) {
    return r.of.dimension("n") >= 33 && r.of.dimension("rows") >= 2;
  };
  int tried = 0;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const rc::Shrinkable<run_id> drawn = drawn_run(any, 1, i);
    if (!fails(drawn.value())) continue;
    ++tried;
    EXPECT_EQ(print(simplest(drawn, fails)),
              "v1/softmax.plain.fwd/x=fp32,y=fp32/rows=2,n=33/dist=normal/seed=0@impl=online,"
              "on=emulator,sched=0");
  }
  EXPECT_GT(tried, 20);
}

TEST(arbitrary, what_makes_a_run_fail_stays_when_it_shrinks) {
  const rc::Gen<run_id> any = any_run(target_of("softmax.temperature.fwd"));
  const auto fails = [](const run_id& r) {
    return value_of(r.of.shape, "align", 256).as_double() <= 8 &&
           r.of.distribution.name == "special" &&
           !(value_of(r.of.shape, "temperature", 0.75) == number(0.75)) && r.schedule != 0;
  };
  bool tried = false;
  for (std::uint64_t i = 0; i < 2000 && !tried; ++i) {
    const rc::Shrinkable<run_id> drawn = drawn_run(any, 1, i);
    if (!fails(drawn.value())) continue;
    tried = true;
    const run_id least = simplest(drawn, fails);
    EXPECT_TRUE(fails(least));
    EXPECT_EQ(least.of.dimension("n"), 1);
    EXPECT_EQ(least.of.seed, 0u);
  }
  EXPECT_TRUE(tried);
}

TEST(arbitrary, a_neighbour_differs_in_one_thing) {
  const rc::Gen<run_id> any = any_run(target_of("gelu.scaled.fwd"));
  const run_id near = drawn_run(any, 1, 0).value();
  run_id drawn = near;
  for (std::uint64_t i = 1; drawn.of.distribution == near.of.distribution; ++i)
    drawn = drawn_run(any, 1, i).value();
  for (std::uint64_t choice = 0; choice < 4; ++choice) {
    const run_id moved = neighbour_of(near, drawn, choice);
    const int same = (moved.of.shape == near.of.shape) + (moved.of.seed == near.of.seed) +
                     (moved.of.distribution == near.of.distribution);
    EXPECT_EQ(same, 2) << print(moved);
  }
}

}  // namespace
}  // namespace assay::properties
