#include "properties/rope_numerics.hpp"

#include "optimized/math/accuracy.hpp"
#include "optimized/rope_accuracy.hpp"
#include "properties/values.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace assay::properties {
namespace {

using rotations = reference::rope_rotations;

// A block's threads, of optimized/rope_angles.cuh.
constexpr std::int64_t k_threads = 128;

struct rope_kernel {
  const char *name, *about, *angles;
  bool table = false, fp32_angles = false;
};

constexpr rope_kernel k_kernels[] = {
    {"direct", "cosines and sines computed by each thread, for its pairs",
     "angles as 64-bit fractions of a turn, exact multiples of steps"},
    {"table", "cosines and sines of all positions in a table, made once for all heads",
     "angles as 64-bit fractions of a turn, exact multiples of steps", true},
    {"fp32_angles", "angles p w_j in fp32, whose digits go as positions grow",
     "frequencies and their products with positions in fp32", false, true}};

// A phase of 2^-64 turns, in radians.
constexpr double k_phase_unit = 0x1.921fb54442d19p+2 * 0x1p-64;

// How far an angle of the implementation is from the mathematics; its cosine and sine. What the
// mathematics has is followed by a bound; a replicate has the implementation's own angle.
struct known_angle {
  double cosine, sine, off;
};

// A phase is a whole number of steps. An angle in fp32 is turned into one in fp64, to 2^-53 of it.
template <class Arithmetic>
known_angle angle_of(const Arithmetic& a, const rope_kernel& kernel, const rotations& exact,
                     std::int64_t position, std::int64_t j) {
  const auto [c, s] = exact.at(position, j).value;
  if (!kernel.fp32_angles)
    return {c, s, double(position) * k_phase_unit * optimized::k_rope_step_units};
  const auto angle = a.mul(a.constant(double(position)), a.constant(exact.frequency(j)));
  if constexpr (std::is_same_v<Arithmetic, running>)
    return {c, s, angle.after + 0x1p-53 * std::abs(angle.center) + k_phase_unit};
  else
    return {std::cos(angle.after), std::sin(angle.after),
            0x1p-53 * std::abs(angle.after) + k_phase_unit};
}

// A cosine or a sine (and the other one of the two) of an angle: its error moves it by the slope at
// most, and by half its square; never further than from -1 to 1. What it is then, below 1, is
// known to k_rotation_ulps.
template <class Arithmetic>
typename Arithmetic::value from_angle(double exact, double slope, double off) {
  const double moved = std::min(off * (std::abs(slope) + off), 2.0);
  const double farthest = std::min((std::abs(exact) + moved) * (1 + 0x1p-22), 1 - 0x1p-53);
  const double own = optimized::k_rotation_ulps * reference::ulp(reference::k_fp32, farthest);
  return Arithmetic::moved(Arithmetic(reference::k_fp32).known(exact, 0, own), moved);
}

// Each product and the sum in fp32: fma(x, c, -(x' s)).
template <class Arithmetic>
model_outputs<Arithmetic> rotated(const Arithmetic& a, const rope_kernel& kernel,
                                  const rope_variant& of, bool forward, const case_inputs& in) {
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
    const auto [c, s, off] = angle_of(a, kernel, exact, position, j);
    return turned{from_angle<Arithmetic>(c, s, off), from_angle<Arithmetic>(s, c, off)};
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
// the angle's error must not turn.
std::vector<bool> promised_pairs(const rope_kernel& kernel, const rope_variant& of,
                                 const case_inputs& in) {
  const rotations& exact = rotations_of(of, in);
  const std::vector<double>& x = in.values[0];
  const running arithmetic(reference::k_fp32);
  std::vector<bool> promised(x.size(), true);
  const auto at = [&](std::int64_t position, std::int64_t j) {
    return angle_of(arithmetic, kernel, exact, position, j);
  };
  rope_heads::of(in).for_each_pair(at, [&](const rope_pair& p, const known_angle& by) {
    if (p.position == 0) return;
    const double largest = std::max(std::abs(x[p.low]), std::abs(x[p.high]));
    const double least = std::min(std::abs(by.cosine), std::abs(by.sine));
    promised[p.low] = promised[p.high] =
        std::isinf(largest) ? least > 2 * by.off : !(largest > 0x1p127);
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

// x and y once; frequencies or steps written once, and by every block read by those who turn by
// them. A table is made of the steps of every position.
double traffic_of(const rope_kernel& kernel, const case_id& id) {
  const double pairs = double(id.dimension("d") / 2), t = double(id.dimension("t"));
  const double blocks = double(id.dimension("batch")) * t;
  const double tensors =
      4 * pairs * blocks * double(id.dimension("heads")) * double(size_of(id.types[0].type));
  const double entries =
      pairs + (kernel.table ? 2 * t * pairs : 0) + blocks * pairs * double(readers_of(id));
  return tensors + (kernel.fp32_angles ? 4 : 8) * entries;
}

}  // namespace

std::vector<implementation> rope_implementations(const rope_variant& of, bool forward) {
  std::vector<implementation> all;
  for (const rope_kernel& kernel : k_kernels) {
    implementation it;
    it.name = kernel.name;
    it.about = kernel.about;
    it.numerics = fmt::format(
        "{}; cosine and sine by polynomials in fp32; fma(x, c, -(x' s)) in fp32, rounded once to "
        "the output",
        kernel.angles);
    it.in_place = true;
    it.keeps_zero_sign = false;
    it.model = make_model(
        [=](const auto& a, const case_inputs& in) { return rotated(a, kernel, of, forward, in); });
    it.promises = [=](const case_inputs& in, std::size_t) { return promised_pairs(kernel, of, in); };
    it.domain_text = "pairs of numbers up to 2^127";
    it.traffic = [=](const case_id& id) { return traffic_of(kernel, id); };
    all.push_back(std::move(it));
  }
  return all;
}

}  // namespace assay::properties
