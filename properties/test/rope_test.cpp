// Rope: what its angles rest on, wrong formulas that its bounds refuse, and its policies.

#include "reference/rope.hpp"

#include "optimized/launcher.hpp"
#include "optimized/math/accuracy.hpp"
#include "optimized/math/turns.cuh"
#include "optimized/rope_accuracy.hpp"
#include "properties/arbitrary.hpp"
#include "properties/harness.hpp"
#include "properties/philox.hpp"
#include "properties/test/every.hpp"
#include "properties/test/refusal.hpp"
#include "reference/mpfr_real.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace assay::properties {
namespace {

using reference::k_infinity;
using reference::k_nan;
using reference::rope_scaling;

case_id rope_of(const std::string& function, const std::string& shape) {
  const bool forward = function.ends_with("fwd");
  return parse_case("v1/rope." + function + (forward ? "/x=fp32,y=fp32/" : "/dy=fp32,dx=fp32/") +
                    shape + "/dist=normal/seed=1");
}

// ---- angles

// Cosine and sine of a phase in double, from what is left of it below an eighth of a turn.
optimized::math::cosine_and_sine float_rotation(std::uint64_t phase) {
  return optimized::math::rotation_of(phase);
}

std::pair<double, double> exact_rotation(std::uint64_t phase) {
  constexpr double k_unit = 0x1.921fb54442d18p+2 * 0x1p-64;
  const auto quarter = (phase + (std::uint64_t(1) << 61)) >> 62;
  const double rest = double(std::int64_t(phase - (quarter << 62))) * k_unit;
  const double c = std::cos(rest), s = std::sin(rest);
  const std::pair<double, double> all[] = {{c, s}, {-s, c}, {-c, -s}, {s, -c}};
  return all[quarter];
}

double ulps_off(float got, double exact) {
  return std::abs(double(got) - exact) / reference::ulp(reference::k_fp32, exact);
}

// Phases of every size about every quarter of a turn.
TEST(rope, turns_by_cosines_and_sines_of_phases_as_it_states) {
  double worst = 0;
  for (std::uint64_t i = 0; i < 1 << 20; ++i) {
    element_stream random(7, 0, i);
    const std::uint64_t bits = std::uint64_t(random.word()) << 32 | random.word();
    const std::uint64_t size = bits >> random.below(64);
    const std::uint64_t phase = (std::uint64_t(random.below(4)) << 62) + (i & 1 ? size : 0 - size);
    const auto [cosine, sine] = float_rotation(phase);
    const auto [c, s] = exact_rotation(phase);
    if (c == 0 || s == 0) continue;  // whole quarters
    worst = std::max({worst, ulps_off(cosine, c), ulps_off(sine, s)});
  }
  EXPECT_LE(worst, optimized::k_rotation_ulps);
  EXPECT_GT(worst, 0.9);  // one ULP of it is the argument's
}

TEST(rope, turns_by_whole_quarters_exactly) {
  const float expected[][2] = {{1, 0}, {0, 1}, {-1, 0}, {0, -1}};
  for (std::uint64_t quarter = 0; quarter < 4; ++quarter) {
    const auto [cosine, sine] = float_rotation(quarter << 62);
    EXPECT_EQ(cosine, expected[quarter][0]);
    EXPECT_EQ(sine, expected[quarter][1]);
  }
}

// The steps that a launch leaves at the beginning of its scratch memory.
std::vector<std::uint64_t> steps_of(const case_id& id) {
  const contract& c = contract_of(id);
  const optimized::launcher* const by =
      optimized::find_launcher(simt::build::plain, c.function(), "direct");
  simt::backend& place = simt::plain_emulator();
  const case_inputs in = make_inputs(c, id);
  std::vector<float> data(in.values[0].size());
  optimized::call what;
  for (int t : {0, 1})
    what.tensors.push_back({data.data(), id.types[std::size_t(t)].type, shape_of(c.inputs[0], id)});
  what.parameters = in.parameters;
  std::vector<std::uint64_t> scratch(by->workspace(what) / sizeof(std::uint64_t));
  what.workspace = scratch.data();
  what.workspace_bytes = by->workspace(what);
  const std::unique_ptr<simt::queue> stream = place.make_queue();
  by->launch(what, *stream);
  stream->synchronize();
  return scratch;
}

// 2^64 w_j / (2 pi) in MPFR.
TEST(rope, advances_by_the_steps_it_states) {
  using R = reference::mpfr_real<300>;
  for (const auto& [variant, scaling] :
       {std::pair("linear", rope_scaling::linear), std::pair("ntk", rope_scaling::ntk)})
    for (const double base : {1.0, 1.0000001192092896, 2.0, 10000.0, 500000.0, 0x1p32})
      for (const double scale : {1.0, 1.5, 8.0, 0x1p16})
        for (const std::int64_t d : {2, 4, 64, 128, 6000}) {
          const case_id id =
              rope_of(std::string(variant) + ".fwd", "batch=1,t=1,heads=1,d=" + std::to_string(d) +
                                                         ",base=" + number(base).text() +
                                                         ",scale=" + number(scale).text());
          const std::vector<std::uint64_t> steps = steps_of(id);
          for (std::int64_t j = 0; j < d / 2; j += d == 6000 ? 499 : 1) {
            const R w = reference::rope_frequency<R>({scaling, base, scale}, j, d);
            const R turns = w / (R(2) * reference::special<R>::pi()) * R(0x1p64);
            const std::uint64_t step = steps[std::size_t(j)];
            const R got = R(double(step >> 32)) * R(0x1p32) + R(double(step & 0xffffffff));
            ASSERT_LE(reference::magnitude(R(got - turns)), R(optimized::k_rope_step_units))
                << print(id) << " j=" << j;
            ASSERT_EQ(step & 1, 1u) << "a step that is even";
          }
        }
}

// ---- wrong formulas

struct wrong {
  const char* name;
  // The angle of pair j of d at a position, and where the pair's other element stands.
  std::function<double(double p, double j, double d)> angle;
  bool neighbours = false;
};

double plain_angle(double p, double j, double d) { return p * std::pow(10000.0, -2 * j / d); }

std::vector<double> turned(const case_inputs& in, const wrong& by) {
  const std::vector<double>& x = in.values[0];
  const std::int64_t t = in.id.dimension("t"), h = in.id.dimension("heads"),
                     d = in.id.dimension("d");
  std::vector<double> y(x.size());
  for (std::size_t at = 0; at < x.size(); at += std::size_t(d))
    for (std::int64_t j = 0; j < d / 2; ++j) {
      const std::size_t low = at + std::size_t(by.neighbours ? 2 * j : j),
                        high = by.neighbours ? low + 1 : low + std::size_t(d / 2);
      const double p = in.parameters[0] + double(std::int64_t(at) / d / h % t);
      const double a = by.angle(p, double(j), double(d));
      y[low] = reference::round(reference::k_fp32, x[low] * std::cos(a) - x[high] * std::sin(a));
      y[high] = reference::round(reference::k_fp32, x[high] * std::cos(a) + x[low] * std::sin(a));
    }
  return y;
}

bool passes(const prepared_case& prepared, const char* implementation,
            const std::vector<double>& y) {
  return judge(prepared, *prepared.of->find(implementation), {y})[0].strict.passed();
}

TEST(rope, has_bounds_that_wrong_formulas_leave) {
  const wrong all[] = {
      {"neighbouring pairs", plain_angle, true},
      {"positions from 1", [](double p, double j, double d) { return plain_angle(p + 1, j, d); }},
      {"the other direction", [](double p, double j, double d) { return -plain_angle(p, j, d); }},
      {"another base",
       [](double p, double j, double d) { return p * std::pow(1e4 + 1, -2 * j / d); }},
      {"exponents of d - 1",
       [](double p, double j, double d) { return p * std::pow(1e4, -2 * j / (d - 1)); }},
      {"angles in fp32", [](double p, double j, double d) {
         return double(float(p) * float(std::pow(10000.0, -2 * j / d)));
       }}};
  const prepared_case prepared =
      prepare(rope_of("plain.fwd", "batch=1,t=8,heads=2,d=64,offset=1000"));
  for (const char* name : {"direct", "table"}) {
    EXPECT_TRUE(passes(prepared, name, turned(prepared.inputs, {"right", plain_angle})));
    for (const wrong& each : all)
      EXPECT_FALSE(passes(prepared, name, turned(prepared.inputs, each))) << each.name;
  }
  // What loses digits is allowed to lose those, and no others.
  EXPECT_TRUE(passes(prepared, "fp32_angles", turned(prepared.inputs, all[5])));
  for (int k = 0; k < 5; ++k)
    EXPECT_FALSE(passes(prepared, "fp32_angles", turned(prepared.inputs, all[k]))) << all[k].name;
}

TEST(rope, has_bounds_that_wrong_scalings_leave) {
  const auto ntk = [](auto exponent) {
    return [=](double p, double j, double d) {
      return p * std::pow(1e4 * std::pow(4.0, exponent(d)), -2 * j / d);
    };
  };
  const prepared_case of_ntk = prepare(rope_of("ntk.fwd", "batch=1,t=8,heads=2,d=64"));
  EXPECT_TRUE(passes(of_ntk, "direct",
                     turned(of_ntk.inputs, {"", ntk([](double d) { return d / (d - 2); })})));
  EXPECT_FALSE(
      passes(of_ntk, "direct", turned(of_ntk.inputs, {"", ntk([](double) { return 1.0; })})));
  const prepared_case linear = prepare(rope_of("linear.fwd", "batch=1,t=8,heads=2,d=64"));
  const auto at = [](double factor) {
    return [=](double p, double j, double d) { return plain_angle(p * factor, j, d); };
  };
  EXPECT_TRUE(passes(linear, "direct", turned(linear.inputs, {"", at(0.25)})));
  EXPECT_FALSE(passes(linear, "direct", turned(linear.inputs, {"", at(4)})));
  EXPECT_FALSE(passes(linear, "direct", turned(linear.inputs, {"", at(1)})));
}

// ---- policies

TEST(rope, of_infinities_and_NaN_is_what_its_policies_say) {
  const case_id id = rope_of("plain.fwd", "batch=1,t=2,heads=1,d=4");
  const std::vector<double> x = {k_infinity, k_nan, -0.0, 1, k_infinity, k_nan, 3, 1};
  const case_inputs in{id, {x}, {0, 10000}};
  for (const implementation& by : contract_of(id).implementations) {
    const std::vector<double> y = outputs_of({id, by.name, "emulator", 0}, in, {})[0];
    for (std::size_t i = 0; i < 4; ++i) EXPECT_TRUE(reference::same(y[i], x[i])) << i;
    EXPECT_EQ(y[4], k_infinity);  // cos 1 and sin 1 are positive
    EXPECT_EQ(y[6], k_infinity);
    EXPECT_TRUE(std::isnan(y[5]) && std::isnan(y[7]));
    const prepared_case prepared{&contract_of(id), in, contract_of(id).exact(in)};
    EXPECT_TRUE(judge(prepared, by, {y})[0].strict.passed());
  }
}

// ---- cases

TEST(rope, refuses_heads_that_have_no_pairs_and_positions_between_tokens) {
  const std::string id = "v1/rope.plain.fwd/x=fp32,y=fp32/batch=1,t=2,heads=1,";
  EXPECT_EQ(refusal(id + "d=6,offset=3/dist=normal/seed=1"), "");
  EXPECT_THAT(refusal(id + "d=5/dist=normal/seed=1"),
              testing::HasSubstr("d=5 is not a multiple of 2"));
  EXPECT_THAT(refusal(id + "d=6,offset=1.5/dist=normal/seed=1"),
              testing::HasSubstr("offset=1.5 is not an integer"));
  EXPECT_THAT(refusal(id + "d=6,offset=-1/dist=normal/seed=1"),
              testing::HasSubstr("offset=-1 is not a number from 0 to 16777216"));
}

TEST(rope, shrinks_to_heads_that_have_pairs) {
  for (const pair_under_test& pair : every_implementation(4)) {
    const fuzz_target target{pair.of, pair.by, pair.of->signatures[0], "emulator"};
    const rc::Gen<run_id> any = any_run(target);
    for (std::uint64_t i = 0; i < 20; ++i) {
      const rc::Shrinkable<run_id> drawn = drawn_run(any, 3, i);
      for (rc::Seq<rc::Shrinkable<run_id>> shrinks = drawn.shrinks();;) {
        const rc::Maybe<rc::Shrinkable<run_id>> next = shrinks.next();
        if (!next) break;
        ASSERT_NO_THROW(validate(*pair.of, next->value().of)) << print(next->value());
      }
    }
  }
}

}  // namespace
}  // namespace assay::properties
