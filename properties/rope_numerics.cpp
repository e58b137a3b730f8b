#include "properties/rope_numerics.hpp"

#include "optimized/math/accuracy.hpp"
#include "optimized/rope_accuracy.hpp"
#include "properties/values.hpp"

#include <algorithm>
#include <cmath>

namespace assay::properties {
namespace {

using rotations = reference::rope_rotations;

// A block's threads, of optimized/rope_angles.cuh.
constexpr std::int64_t k_threads = 128;

// How far the phase of a position is from its angle, in radians.
double phase_error(std::int64_t position) {
  constexpr double k_unit = 0x1.921fb54442d19p+2 * 0x1p-64;  // 2 pi / 2^64
  return double(position) * k_unit * optimized::k_rope_step_units;
}

// A cosine or a sine (and the other one of the two) from a phase: the phase's error moves it by its
// slope at most, and by half that error's square; what it is then is known to k_rotation_ulps.
template <class Arithmetic>
typename Arithmetic::value from_phase(double exact, double slope, double off) {
  const double moved = off * (std::abs(slope) + off);
  const double farthest = (std::abs(exact) + moved) * (1 + 0x1p-22);
  const double own = optimized::k_rotation_ulps * reference::ulp(reference::k_fp32, farthest);
  return Arithmetic::moved(Arithmetic(reference::k_fp32).known(exact, 0, own), moved);
}

// Each product and the sum in fp32: fma(x, c, -(x' s)).
template <class Arithmetic>
model_outputs<Arithmetic> rotated(const Arithmetic& a, const rope_variant& of, bool forward,
                                  const case_inputs& in) {
  using value = typename Arithmetic::value;
  struct turned {
    value cosine, sine;
  };
  const rope_heads heads = rope_heads::of(in);
  const rotations& exact = rotations_of(of, in);
  const std::vector<double>& x = in.values[0];
  model_outputs<Arithmetic> y(1);
  y[0].resize(x.size());
  const auto at = [&](std::int64_t position, std::int64_t j) {
    const auto [c, s] = exact.at(position, j).value;
    const double off = phase_error(position);
    return turned{from_phase<Arithmetic>(c, s, off), from_phase<Arithmetic>(s, c, off)};
  };
  heads.for_each_pair(at, [&](const rope_pair& p, const turned& by) {
    const value low = Arithmetic::exact(x[p.low]), high = Arithmetic::exact(x[p.high]);
    if (p.position == 0) {
      y[0][p.low] = low;
      y[0][p.high] = high;
      return;
    }
    const value sine = forward ? by.sine : Arithmetic::negated(by.sine);
    y[0][p.low] = a.fma(low, by.cosine, Arithmetic::negated(a.mul(high, sine)));
    y[0][p.high] = a.fma(high, by.cosine, a.mul(low, sine));
  });
  return y;
}

// Products and sums of numbers up to 2^127 stay within fp32. An infinity meets factors whose sign
// the phase's error must not turn.
std::vector<bool> promised_pairs(const rope_variant& of, const case_inputs& in) {
  const rope_heads heads = rope_heads::of(in);
  const rotations& exact = rotations_of(of, in);
  const std::vector<double>& x = in.values[0];
  std::vector<bool> promised(x.size(), true);
  heads.for_each_pair([&](std::int64_t position, std::int64_t j) { return exact.at(position, j); },
                      [&](const rope_pair& p, const rotations::bounded& by) {
                        if (p.position == 0) return;
                        const double largest = std::max(std::abs(x[p.low]), std::abs(x[p.high]));
                        const double least =
                            std::min(std::abs(by.value.cosine), std::abs(by.value.sine));
                        const bool held = std::isinf(largest) ? least > 2 * phase_error(p.position)
                                                              : !(largest > 0x1p127);
                        promised[p.low] = promised[p.high] = held;
                      });
  return promised;
}

// Threads that take the same pairs through different heads: each reads the rotations for itself.
std::int64_t readers_of(const case_id& id) {
  const std::int64_t pairs = id.dimension("d") / 2,
                     element = std::int64_t(size_of(id.types[0].type));
  const std::int64_t words = pairs * element % 16 == 0 ? pairs * element / 16 : pairs;
  return std::min(k_threads / std::min(words, k_threads), id.dimension("heads"));
}

// x and y once; steps written once; and by every block what its threads turn by. A table is made
// of the steps of every position.
double traffic_of(bool table, const case_id& id) {
  const double pairs = double(id.dimension("d") / 2), t = double(id.dimension("t"));
  const double blocks = double(id.dimension("batch")) * t;
  const double tensors =
      4 * pairs * blocks * double(id.dimension("heads")) * double(size_of(id.types[0].type));
  const double entries =
      pairs + (table ? 2 * t * pairs : 0) + blocks * pairs * double(readers_of(id));
  return tensors + 8 * entries;
}

}  // namespace

std::vector<implementation> rope_implementations(const rope_variant& of, bool forward) {
  std::vector<implementation> all;
  for (const bool table : {false, true}) {
    implementation it;
    it.name = table ? "table" : "direct";
    it.about = table ? "cosines and sines of all positions in a table, made once for all heads"
                     : "cosines and sines computed by each thread, for its pairs";
    it.numerics =
        "angles as 64-bit fractions of a turn, exact multiples of steps; polynomials in fp32; "
        "fma(x, c, -(x' s)) in fp32, rounded once to the output";
    it.in_place = true;
    it.keeps_zero_sign = false;
    it.model = make_model([of, forward](const auto& a, const case_inputs& in) {
      return rotated(a, of, forward, in);
    });
    it.promises = [of](const case_inputs& in) { return promised_pairs(of, in); };
    it.domain_text = "pairs of numbers up to 2^127";
    it.traffic = [table](const case_id& id) { return traffic_of(table, id); };
    all.push_back(std::move(it));
  }
  return all;
}

}  // namespace assay::properties
