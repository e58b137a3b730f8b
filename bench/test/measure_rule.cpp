// How often the regression rule answers what, on this machine as it is: two programs, set after set
// of samples, each set judged and confirmed as `assay bench --against` does (bench/README.md has
// the commands and what they found).

#include "bench/by_turns.hpp"
#include "bench/rank_test.hpp"
#include "bench/verdict.hpp"
#include "properties/bad_input.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <map>

namespace {

using namespace assay;
using namespace assay::bench;

constexpr const char* k_usage =
    "usage: bench_measure_rule COMPARISONS MIN_TIME PATTERN -- BEFORE [ARGUMENT...] -- AFTER "
    "[ARGUMENT...]\n";

struct request {
  std::size_t comparisons = 0;
  double min_time = 0;
  std::string pattern;
  std::vector<timed_program> programs;
};

request parse(const std::vector<std::string>& words) {
  request asked;
  if (words.size() < 7) throw bad_input("{}", k_usage);
  asked.comparisons = std::size_t(std::atol(words[0].c_str()));
  asked.min_time = std::atof(words[1].c_str());
  asked.pattern = words[2];
  for (std::size_t i = 3; i < words.size(); ++i)
    if (words[i] == "--")
      asked.programs.emplace_back();
    else if (asked.programs.back().path.empty())
      asked.programs.back().path = words[i];
    else
      asked.programs.back().arguments.push_back(words[i]);
  if (asked.programs.size() != 2) throw bad_input("{}", k_usage);
  return asked;
}

std::vector<two_sides> sides(const std::vector<results>& both) {
  std::vector<two_sides> all;
  for (const measured& each : both[0].benchmarks)
    for (const measured& other : both[1].benchmarks)
      if (other.name == each.name) all.push_back({each.name, each.seconds, other.seconds});
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const request asked = parse({argv + 1, argv + argc});
    std::vector<std::string> names = benchmarks_of(asked.programs[0]);
    std::erase_if(names, [&](const std::string& n) { return n.find(asked.pattern) == n.npos; });
    if (names.empty()) throw bad_input("no benchmark's name contains '{}'", asked.pattern);
    turn_options how;
    how.processes = k_least_samples, how.repetitions = 3, how.min_time = asked.min_time;
    std::map<std::string, std::map<std::string, int>> answers;  // by spread, then by answer
    std::vector<double> spreads;
    std::size_t looked = 0, compared = 0;
    while (compared < asked.comparisons) {
      ++how.seed;
      const std::vector<judgement> first =
          judge(sides(measure_by_turns(asked.programs, names, how)));
      std::vector<std::string> again;
      for (const judgement& each : first)
        if (each.is == answer::slow || each.is == answer::fast) again.push_back(each.name);
      looked += again.size();
      std::vector<judgement> last = first;
      ++how.seed;
      if (!again.empty())
        last = confirm(first, sides(measure_by_turns(asked.programs, again, how)));
      for (const judgement& each : last) {
        ++answers[each.spread <= k_most_spread ? "A/A spread at most 3 %" : "A/A spread above 3 %"]
                 [name_of(each.is)];
        spreads.push_back(each.spread);
      }
      compared += last.size();
      fmt::print(stderr, "{} of {}\n", compared, asked.comparisons);
    }
    fmt::print(
        "{} comparisons of {} benchmarks a set; median A/A spread {:.2f} %; changed in the "
        "first set: {}\n",
        compared, names.size(), 100 * median(spreads), looked);
    for (const auto& [spread, counted] : answers)
      for (const auto& [name, count] : counted) fmt::print("{}: {} {}\n", spread, name, count);
    return 0;
  } catch (const std::exception& problem) {
    fmt::print(stderr, "bench_measure_rule: {}\n", problem.what());
    return 2;
  }
}
