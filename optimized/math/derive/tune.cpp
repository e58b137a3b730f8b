// Polishes the tables of the 16-bit routines.
//
//   intervals.py | tune [TRIES]
//
// Reads lines "ROUTINE COEFFICIENT...", as intervals.py prints them: real numbers for which every
// result of real arithmetic lies between its ties, as far as there are any. Rounded to floats and
// evaluated in floats, a few results may cross. A random walk over the coefficients, by a few units
// in the last place, accepts what leaves no more results misrounded, and prints the tables in the
// same form, with the results that stayed misrounded behind a #. The walk is the same in every run.
#include "routines_16.hpp"

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <random>
#include <sstream>

namespace {

using namespace derive;

struct input {
  float x;
  double truth, correct, to_tie;  // to_tie: how far truth is from the nearest tie, in ULPs
};

std::vector<input> inputs_of(const routine_16& r) {
  const function* f = nullptr;
  for (const function& each : functions())
    if (each.name == r.truth) f = &each;
  std::vector<input> all;
  for (std::uint32_t bits = 0; bits < 1u << 16; ++bits) {
    const double x = value_of(r.type, bits);
    if (std::isnan(x)) continue;
    const exact_result e = exact(*f, r.type, x);
    const double off =
        e.truth == e.correct ? 0 : std::fabs(e.truth - e.correct) / unit(r.type, e.truth);
    all.push_back({float(x), e.truth, e.correct, 0.5 - off});
  }
  return all;
}

// A derivative that is subnormal in fp16 is still multiplied by a gradient of up to 2^16: there it
// must keep its relative accuracy too.
bool strays(const routine_16& r, double got, const input& in) {
  const double size = std::fabs(in.truth);
  const bool far = r.type.precision == 11 && in.x < -2 && size < 0x1p-14 && size > 0x1p-40;
  return far && r.name.find("derivative") != std::string::npos &&
         !(std::fabs(got - in.truth) <= 0x1p-13 * size);
}

bool is_misrounded(const routine_16& r, const std::vector<float>& table, const input& in) {
  const double value = r.run(table.data(), in.x), got = rounded(r.type, value);
  if (strays(r, value, in)) return true;
  return !(got == in.correct && std::signbit(got) == std::signbit(in.correct));
}

// How many are, or `stop` and one where there are more than that.
int misrounded(const routine_16& r, const std::vector<float>& table,
               const std::vector<input>& inputs, int stop = 1 << 30) {
  int count = 0;
  for (const input& in : inputs)
    if (is_misrounded(r, table, in) && ++count > stop) break;
  return count;
}

class walk {
 public:
  walk(const routine_16& r, const std::vector<float>& table)
      : routine_(r), table_(table), verified_(table), all_(inputs_of(r)) {
    for (const input& in : all_)
      if (in.to_tie < 0.02 || is_misrounded(r, table, in)) hard_.push_back(in);
    best_ = verified_best_ = misrounded(routine_, table_, hard_);
  }

  int misrounded_now() const { return verified_best_; }
  const std::vector<float>& table() const { return verified_; }
  const std::vector<input>& inputs() const { return all_; }

  void step() {
    std::vector<float> next = table_;
    for (int moves = 1 + int(random_() % 3); moves > 0; --moves) {
      const std::size_t i = random_() % next.size();
      const int most = 1 << random_() % 7, by = 1 + int(random_() % most);
      if (i != routine_.fixed) next[i] = float_of(bits_of(next[i]) + (random_() % 2 ? by : -by));
    }
    const int count = misrounded(routine_, next, hard_, best_);
    if (count > best_) return;
    table_ = next;
    if (count < best_ || ++unverified_ == 100) best_ = count, verify();
  }

 private:
  // Only the hard inputs are looked at in each step; the others now and then, and what has crossed
  // a tie among them joins the hard ones.
  void verify() {
    unverified_ = 0;
    const std::size_t before = hard_.size();
    const int everywhere = misrounded(routine_, table_, all_);
    if (everywhere > best_) {
      for (const input& in : all_)
        if (!(in.to_tie < 0.02) && is_misrounded(routine_, table_, in)) hard_.push_back(in);
    }
    if (hard_.size() == before) {
      verified_ = table_, verified_best_ = best_;
    } else {
      table_ = verified_, best_ = verified_best_;
    }
  }

  const routine_16& routine_;
  std::vector<float> table_, verified_;
  std::vector<input> all_, hard_;
  int best_, verified_best_, unverified_ = 0;
  std::mt19937 random_{1};
};

void polish(const routine_16& r, const std::vector<float>& start, long tries) {
  walk w(r, start);
  const int before = w.misrounded_now();
  for (long i = 0; i < tries && w.misrounded_now() > 0; ++i) w.step();
  std::fprintf(stderr, "%s: %d misrounded, then %d\n", r.name.c_str(), before, w.misrounded_now());
  std::printf("%s", r.name.c_str());
  for (float c : w.table()) std::printf(" %a", c);
  for (const input& in : w.inputs())
    if (is_misrounded(r, w.table(), in)) std::printf(" # %a", in.x);
  std::printf("\n");
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const long tries = argc > 1 ? std::atol(argv[1]) : 100000;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    std::string name, word;
    words >> name;
    std::vector<float> table;
    while (words >> word) table.push_back(float(std::strtod(word.c_str(), nullptr)));
    bool known = false;
    for (const routine_16& r : routines_16())
      if (r.name == name && r.size == table.size()) polish(r, table, tries), known = true;
    if (!known)
      return std::fprintf(stderr, "tune: no routine %s with %zu coefficients\n", name.c_str(),
                          table.size()),
             2;
  }
}
