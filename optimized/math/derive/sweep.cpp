// Holds routines of optimized/math against truth, over all inputs of their type.
//
//   sweep [--step N] [--threads N] [--ranges] [--positive] [--at-most ULP] [NAME...]
//
// NAME is a routine (default: all); --step takes every N-th input, --positive those without a sign,
// which are enough for an odd or even routine. With --at-most it exits 1 if a routine's error is
// larger or a special value wrong. Prints, per routine: inputs, largest error in units
// in the last place and where, results that are not the correctly rounded ones, wrong special
// values.
#include "exact.hpp"
#include "routines.hpp"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

namespace {

using namespace derive;

struct tally {
  std::uint64_t inputs = 0, misrounded = 0, special = 0;
  double worst = 0, worst_special = 0;
  double at = 0;
  std::vector<double> by_range, at_by_range;
};

const std::vector<double> k_edges = {-INFINITY, -87,  -13,   -10, -6,   -4,      -2,  -1,
                                     -0.5,      -0.1, -1e-3, 0,   1e-3, 0.1,     0.5, 1,
                                     2,         4,    6,     10,  87,   INFINITY};

// Special values: NaN exactly where truth is NaN, infinities and zeros exact, the zeros' sign too.
bool special_value_wrong(double got, const exact_result& e) {
  if (std::isnan(e.truth)) return !std::isnan(got);
  if (std::isnan(got)) return true;
  if (std::isinf(e.correct) || std::isinf(got)) return got != e.correct;
  if (e.truth == 0) return got != 0 || std::signbit(got) != std::signbit(e.truth);
  return got == 0 && std::signbit(got) != std::signbit(e.truth);
}

void check(const routine& r, const function& f, double x, tally& t) {
  if (r.most < INFINITY && !(std::fabs(x) >= r.least && std::fabs(x) <= r.most)) return;
  const exact_result e = exact(f, r.to, x);
  const double got = r.run(x);
  ++t.inputs;
  if (special_value_wrong(got, e)) {
    ++t.special;
    t.worst_special = x;
    return;
  }
  if (std::isnan(got) || std::isinf(got)) return;
  if (got != e.correct) ++t.misrounded;
  const double off = std::fabs(got - e.truth),
               error = off <= r.floor ? 0 : off / unit(r.to, e.truth);
  if (!(error <= t.worst)) t.worst = error, t.at = x;
  std::size_t range = 0;
  while (range + 2 < k_edges.size() && x >= k_edges[range + 1]) ++range;
  if (!(error <= t.by_range[range])) t.by_range[range] = error, t.at_by_range[range] = x;
}

void add(tally& sum, const tally& t) {
  sum.inputs += t.inputs, sum.misrounded += t.misrounded, sum.special += t.special;
  if (t.special) sum.worst_special = t.worst_special;
  if (t.worst > sum.worst) sum.worst = t.worst, sum.at = t.at;
  for (std::size_t i = 0; i < t.by_range.size(); ++i) {
    if (t.by_range[i] > sum.by_range[i]) {
      sum.by_range[i] = t.by_range[i], sum.at_by_range[i] = t.at_by_range[i];
    }
  }
}

tally sweep(const routine& r, const function& f, std::uint64_t step, unsigned threads,
            bool positive) {
  const std::uint64_t count = (r.from.precision == 24 ? 1ull << 32 : 1ull << 16) >> positive;
  const std::uint64_t block = std::min<std::uint64_t>(count, 1 << 20);
  std::atomic<std::uint64_t> next{0};
  std::vector<tally> tallies(threads);
  std::vector<std::thread> workers;
  for (unsigned w = 0; w < threads; ++w) {
    tallies[w].by_range.resize(k_edges.size()), tallies[w].at_by_range.resize(k_edges.size());
    workers.emplace_back([&, w] {
      for (std::uint64_t b; (b = next.fetch_add(block)) < count;) {
        for (std::uint64_t i = b; i < b + block; i += step) {
          check(r, f, value_of(r.from, static_cast<std::uint32_t>(i)), tallies[w]);
        }
      }
      mpfr_free_cache();  // every thread has one
    });
  }
  for (auto& worker : workers) worker.join();
  for (unsigned w = 1; w < threads; ++w) add(tallies[0], tallies[w]);
  return tallies[0];
}

const function& truth_of(const routine& r) {
  for (const function& f : functions()) {
    if (f.name == r.truth) return f;
  }
  std::fprintf(stderr, "sweep: %s names no truth called %s\n", r.name.c_str(), r.truth.c_str());
  std::exit(70);
}

void report(const routine& r, const tally& t, bool ranges) {
  std::printf(
      "%-28s inputs %llu  max %.4f ULP at %a (%.9g)  misrounded %llu (%.3f %%)  special values "
      "wrong %llu",
      r.name.c_str(), (unsigned long long)t.inputs, t.worst, t.at, t.at,
      (unsigned long long)t.misrounded, 100.0 * t.misrounded / t.inputs,
      (unsigned long long)t.special);
  if (t.special) std::printf(" (one at %a)", t.worst_special);
  std::printf("\n");
  for (std::size_t i = 0; ranges && i + 1 < k_edges.size(); ++i) {
    if (t.by_range[i] > 0) {
      std::printf("    [%g, %g) %.4f at %a\n", k_edges[i], k_edges[i + 1], t.by_range[i],
                  t.at_by_range[i]);
    }
  }
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t step = 1;
  unsigned threads = 1;
  bool ranges = false, positive = false;
  double at_most = INFINITY;
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--step" && i + 1 < argc)
      step = std::strtoull(argv[++i], nullptr, 0);
    else if (word == "--threads" && i + 1 < argc)
      threads = unsigned(std::atoi(argv[++i]));
    else if (word == "--at-most" && i + 1 < argc)
      at_most = std::strtod(argv[++i], nullptr);
    else if (word == "--ranges")
      ranges = true;
    else if (word == "--positive")
      positive = true;
    else
      names.push_back(word);
  }
  if (step == 0 || threads == 0)
    return std::fprintf(stderr, "sweep: --step and --threads take a positive number\n"), 2;
  for (const std::string& name : names)
    if (std::none_of(routines().begin(), routines().end(),
                     [&](const routine& r) { return r.name == name; }))
      return std::fprintf(stderr, "sweep: no routine is called %s\n", name.c_str()), 2;
  bool kept = true;
  for (const routine& r : routines()) {
    if (!names.empty() && std::find(names.begin(), names.end(), r.name) == names.end()) continue;
    const tally found = sweep(r, truth_of(r), step, threads, positive);
    report(r, found, ranges);
    if (found.worst <= at_most && (found.special == 0 || at_most == INFINITY)) continue;
    std::fprintf(stderr, "sweep: %s does not stay within %g ULP\n", r.name.c_str(), at_most);
    kept = false;
  }
  return kept ? 0 : 1;
}
