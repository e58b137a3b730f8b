#include "properties/scatter_expectation.hpp"

#include <cmath>
#include <utility>

namespace assay::properties {
namespace {

// Standard deviations beyond which nothing is expected: P(|Z| > 8) < 2e-15, below k_false_alarm
// even times the elements of the largest tensor judged here.
constexpr double k_reach = 8;

double upper_tail(double z) { return 0.5 * std::erfc(z / std::sqrt(2.0)); }

// Includes the mean and mean square of round(c + s Z) - t, Z standard normal.
void include_rounded(expectation& all, const reference::format& f, double t, double c, double s) {
  const double ulp = reference::ulp(f, t);
  if (s > 4 * ulp)  // the grid is too fine to matter
    return all.include(c - t, s * s + (c - t) * (c - t) + ulp * ulp / 12);
  double y = reference::round(f, c), mean = 0, square = 0;
  while ((reference::next_down(f, y) + y) / 2 > c - k_reach * s) y = reference::next_down(f, y);
  for (double reached = 1; reached > 0;) {  // reached: P(result >= the lower end of y's preimage)
    const double next = reference::next_up(f, y), border = (y + next) / 2;
    const bool last = !(border < c + k_reach * s) || !std::isfinite(next);
    const double beyond = last ? 0 : upper_tail((border - c) / s);
    mean += (reached - beyond) * (y - t);
    square += (reached - beyond) * (y - t) * (y - t);
    reached = beyond;
    y = next;
  }
  all.include(mean, square);
}

// The same for an error of the same variance that is nothing half of the time and else one of two
// equal steps, as where an addition loses one bit and must round a tie: three terms of one binade.
// Rounded once more it scatters up to a tenth more than a normal one.
void include_tied(expectation& all, const reference::format& f, double t, double c, double s) {
  double mean = 0, square = 0;
  for (const auto& [step, probability] : {std::pair{0.0, 0.5}, {-1.0, 0.25}, {1.0, 0.25}}) {
    const double error = reference::round(f, c + step * std::sqrt(2.0) * s) - t;
    mean += probability * error;
    square += probability * error * error;
  }
  all.square = std::max(all.square, square);
  all.variance = std::max(all.variance, square - mean * mean);
}

// A scatter far below an ulp moves only what lies next to a midpoint, and there either neighbour is
// as good: on coarse data (a mean of two bf16 numbers) midpoints are common, and which way they go
// is decided by errors too small and too regular to be called random.
void include_nearly_exact(expectation& all, const reference::format& f, double t, double reach) {
  const double y = reference::round(f, t),
               border = (y + (t < y ? reference::next_down(f, y) : reference::next_up(f, y))) / 2;
  all.include(y - t, (y - t) * (y - t));
  if (std::abs(t - border) > reach) return;
  const double other = 2 * border - y;
  all.include(other - t, (other - t) * (other - t));
}

}  // namespace

expectation expected_of(const reference::format& f, double truth, double limit,
                        const error_shares& spread, bool rounds_last) {
  const double t = std::abs(truth), s = spread.deviation * limit, ulp = reference::ulp(f, t);
  expectation all;
  double leaning = 0;
  for (double lean : spread.lean) leaning = std::max(leaning, std::abs(lean) * limit);
  if (rounds_last && 8 * k_reach * s < ulp) {
    include_nearly_exact(all, f, t, k_reach * s + leaning);
    all.variance = 0;
    return all;
  }
  for (double lean : spread.lean) {
    const double off = lean * limit;
    if (rounds_last)
      include_rounded(all, f, t, t + off, s), include_tied(all, f, t, t + off, s);
    else
      all.include(off, s * s + off * off);
  }
  return all;
}

}  // namespace assay::properties
