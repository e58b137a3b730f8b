#include "golden/difference.hpp"

#include "properties/compare.hpp"
#include "properties/values.hpp"
#include "reference/round.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace assay::golden {

using namespace properties;

namespace {

// Of integers, their distance.
double ulps_between(dtype type, double a, double b) {
  if (reference::same(a, b)) return 0;
  if (is_integer(type)) return std::abs(a - b);
  if (!std::isfinite(a) || !std::isfinite(b)) return reference::k_infinity;
  if (a == b) return 1;  // zeros of different signs: the least there is
  const double larger = std::max(std::abs(a), std::abs(b));
  return std::abs(a - b) / reference::ulp(format_of(type), larger);
}

// How far apart an element of both records may lie: what bounds of errors stand beside it.
double allowed_at(const recorded_case& of, const std::string& output, std::size_t i) {
  const tensor* const error = of.find(output + ".error");
  if (!error) return 0;
  const std::vector<double> bounds = error->values();
  return i < bounds.size() ? bounds[i] : 0;
}

class pair_of_tensors {
 public:
  pair_of_tensors(const recorded_case& before, const recorded_case& after, const tensor& a,
                  const tensor& b)
      : before_(before), after_(after), a_(a), b_(b) {}

  // Of a result that is known within a bound: is the change no more than both bounds allow?
  bool excused(std::size_t i, double x, double y) const {
    if (a_.what != holding::within || b_.what != holding::within) return a_.what == holding::error;
    const std::string output = a_.name.substr(0, a_.name.find(".truth"));
    const double room = allowed_at(before_, output, i) + allowed_at(after_, output, i) +
                        (a_.name == output ? reference::ulp(format_of(a_.type), x) : 0);
    return std::abs(x - y) <= room;
  }

  bool measure(change& into) const {
    const std::vector<double> x = a_.values(), y = b_.values();
    if (a_.type != b_.type || a_.shape != b_.shape || x.size() != y.size()) {
      into.moved = into.elements;
      into.ulps = reference::k_infinity;
      return true;
    }
    const tensor* const output = before_.find(a_.name.substr(0, a_.name.find(".truth")));
    const dtype type = output ? output->type : a_.type;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (reference::same(x[i], y[i]) || excused(i, x[i], y[i])) continue;
      ++into.moved;
      const double ulps = ulps_between(type, x[i], y[i]);
      if (into.worst < 0 || ulps > into.ulps) into.worst = std::int64_t(i), into.ulps = ulps;
    }
    if (into.worst >= 0) show_neighbours(into, x, y);
    return into.moved > 0 || a_.what != b_.what;
  }

 private:
  static void show_neighbours(change& into, const std::vector<double>& x,
                              const std::vector<double>& y) {
    into.first_shown = std::max<std::int64_t>(into.worst - 1, 0);
    const auto end = std::min<std::int64_t>(into.worst + 2, std::int64_t(x.size()));
    into.before.assign(x.begin() + into.first_shown, x.begin() + end);
    into.after.assign(y.begin() + into.first_shown, y.begin() + end);
  }

  const recorded_case &before_, &after_;
  const tensor &a_, &b_;
};

change described(const case_id& id, const tensor& t, cause why) {
  change of;
  of.id = id;
  of.tensor = t.name;
  of.why = why;
  of.type = t.type;
  of.shape = t.shape;
  of.elements = std::int64_t(t.bytes.size() / size_of(t.type));
  return of;
}

change whole_case(const recorded_case& of, cause why) {
  change all;
  all.id = of.id;
  all.why = why;
  for (const tensor& t : of.tensors) all.elements += std::int64_t(t.bytes.size() / size_of(t.type));
  all.moved = all.elements;
  return all;
}

std::string holds(const tensor* t) { return t ? std::string(name_of(t->what)) : ""; }

void compare_cases(const recorded_case& before, const recorded_case& after,
                   std::vector<change>& into) {
  cause why = cause::reference;
  std::vector<std::string> names;
  for (const recorded_case* of : {&before, &after})
    for (const tensor& t : of->tensors)
      if (std::find(names.begin(), names.end(), t.name) == names.end()) names.push_back(t.name);
  for (const std::string& name : names) {
    const tensor *const a = before.find(name), *const b = after.find(name);
    change of = described(before.id, b ? *b : *a, why);
    of.before_holds = holds(a), of.after_holds = holds(b);
    if (a && b) {
      if (!pair_of_tensors(before, after, *a, *b).measure(of)) continue;
      if (b->what == holding::input) of.why = why = cause::inputs;
    }
    into.push_back(std::move(of));
  }
}

}  // namespace

std::string_view name_of(cause why) {
  constexpr std::string_view k_names[] = {"case added", "case removed", "inputs", "reference"};
  return k_names[int(why)];
}

std::vector<change> difference(const record& before, const record& after) {
  std::vector<change> all;
  for (const recorded_case& each : before.cases) {
    if (const recorded_case* const now = after.find(each.id))
      compare_cases(each, *now, all);
    else
      all.push_back(whole_case(each, cause::removed));
  }
  for (const recorded_case& each : after.cases)
    if (!before.find(each.id)) all.push_back(whole_case(each, cause::added));
  return all;
}

std::string in_words(const change& of) {
  if (of.why == cause::added || of.why == cause::removed)
    return fmt::format("{} elements", of.elements);
  std::string text;
  if (of.before_holds != of.after_holds)
    text = fmt::format("{} -> {}; ", of.before_holds.empty() ? "absent" : of.before_holds,
                       of.after_holds.empty() ? "absent" : of.after_holds);
  text += fmt::format("{} of {} moved", of.moved, of.elements);
  if (of.worst < 0) return text;
  const auto at = std::size_t(of.worst - of.first_shown);
  return text + fmt::format(", by up to {:.4g} ULP: [{}] {:.9g} -> {:.9g}", of.ulps, of.worst,
                            of.before[at], of.after[at]);
}

}  // namespace assay::golden
