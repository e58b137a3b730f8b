#include "bench/verdict.hpp"

#include "bench/rank_test.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>

namespace assay::bench {
namespace {

constexpr double k_infinity = std::numeric_limits<double>::infinity();
constexpr double k_spread_quantile = 0.95;
constexpr std::size_t k_most_enumerated = 9;  // twos; more are split in as many ways, at random

std::vector<double> logarithms(std::span<const double> times) {
  std::vector<double> all;
  for (double t : times) all.push_back(std::log(t));
  return all;
}

// |Hodges-Lehmann shift| between the halves that `choice` makes: it says, of every two consecutive
// samples, which goes where.
double halves_differ(const std::vector<double>& logs, const std::vector<bool>& choice) {
  std::vector<double> differences;
  const std::size_t twos = choice.size();
  differences.reserve(twos * twos);
  for (std::size_t i = 0; i < twos; ++i)
    for (std::size_t j = 0; j < twos; ++j)
      differences.push_back(logs[2 * j + choice[j]] - logs[2 * i + 1 - choice[i]]);
  return std::abs(median(std::move(differences)));
}

// What one set of samples says where the benchmark has enough of them.
void answer_one(judgement& j, double level) {
  const double effect = std::max(j.ratio, 1 / j.ratio) - 1;
  if (j.samples < k_least_samples)
    j.why = fmt::format("{} samples a side, {} are needed", j.samples, k_least_samples);
  else if (j.adjusted_p <= level && effect > j.threshold)
    j.is = j.ratio > 1 ? answer::slow : answer::fast;
  else if (j.spread > k_most_spread)
    j.why = fmt::format("it scatters by {:.1f} % against itself", 100 * j.spread);
  else if (effect > j.threshold)
    j.why = "a change is seen, but not surely";
  else
    j.is = answer::same;
}

}  // namespace

const char* name_of(answer which) {
  constexpr const char* k_names[] = {"FAST", "SLOW", "SAME", "AMBIGUOUS"};
  return k_names[int(which)];
}

double self_spread(std::span<const double> times) {
  if (times.size() < 4) return k_infinity;
  const std::vector<double> logs = logarithms(times);
  std::vector<bool> choice(logs.size() / 2);
  // Swapping the halves changes nothing: the last two are always split one way.
  const bool all_ways = choice.size() <= k_most_enumerated;
  const std::size_t ways = std::size_t(1) << ((all_ways ? choice.size() : k_most_enumerated) - 1);
  std::vector<double> found;
  std::mt19937_64 random(1);
  for (std::size_t way = 0; way < ways; ++way) {
    for (std::size_t i = 0; i + 1 < choice.size(); ++i)
      choice[i] = all_ways ? way >> i & 1 : random() >> 63;
    found.push_back(halves_differ(logs, choice));
  }
  const auto at = std::size_t(std::ceil(k_spread_quantile * double(found.size()))) - 1;
  std::nth_element(found.begin(), found.begin() + std::ptrdiff_t(at), found.end());
  return std::expm1(found[at] / std::sqrt(2.0));
}

std::vector<judgement> judge(std::span<const two_sides> all, double level) {
  std::vector<judgement> judged;
  std::vector<double> p;
  std::vector<std::size_t> tested;
  for (const two_sides& each : all) {
    judgement& j = judged.emplace_back();
    j.name = each.name;
    j.samples = std::min(each.before.size(), each.after.size());
    if (j.samples == 0) {
      j.low = 0, j.high = j.spread = k_infinity;
      continue;
    }
    const rank_comparison ranks =
        compare_ranks(logarithms(each.before), logarithms(each.after), level);
    j.ratio = std::exp(ranks.shift), j.low = std::exp(ranks.low), j.high = std::exp(ranks.high);
    j.p = ranks.p;
    j.spread = std::max(self_spread(each.before), self_spread(each.after));
    j.threshold = std::max(k_least_effect, j.spread);
    if (j.samples < k_least_samples) continue;
    p.push_back(j.p);
    tested.push_back(judged.size() - 1);
  }
  const std::vector<double> adjusted = benjamini_hochberg(p);
  for (std::size_t i = 0; i < tested.size(); ++i) judged[tested[i]].adjusted_p = adjusted[i];
  for (judgement& each : judged) answer_one(each, level);
  return judged;
}

std::vector<judgement> confirm(std::vector<judgement> first, std::span<const two_sides> again) {
  std::map<std::string, judgement> second;
  for (judgement& each : judge(again)) second.emplace(each.name, each);
  for (judgement& each : first) {
    const auto found = second.find(each.name);
    if (found == second.end() || (each.is != answer::slow && each.is != answer::fast)) continue;
    if (found->second.is == each.is) continue;
    each.why = fmt::format("it looked {}, and a second set of samples said {} ({:.3f})",
                           name_of(each.is), name_of(found->second.is), found->second.ratio);
    each.is = answer::ambiguous;
  }
  return first;
}

std::vector<judgement> judge_once(std::span<const two_sides> all) {
  return judge(all, k_level * k_level);
}

}  // namespace assay::bench
