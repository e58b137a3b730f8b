#include "properties/arbitrary.hpp"

#include "properties/distribution.hpp"
#include "properties/values.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace assay::properties {
namespace {

constexpr int k_size = 100;  // RapidCheck's size; the generators below do not depend on it
constexpr std::size_t k_most_dimensions = 6, k_most_parameters = 4, k_choice = std::size_t(1) << 16;

// What a case is made from: numbers that mean something together with a target only. 0 is the
// default.
struct choices {
  std::array<std::int64_t, k_most_dimensions> extents{};  // the last dimension's first
  std::int64_t budget = 0;                                // elements of the largest tensor
  std::int64_t gap = 0;                                   // elements between rows
  int align = 0, in_place = 0, distribution = 0;
  std::array<int, 2> of_distribution{};
  std::array<int, k_most_parameters> parameters{};
  std::int64_t seed = 0;
  int schedule = 0;
};

// Lengths about which kernels decide: a warp, the widths of vectors, what a warp and a block hold.
std::vector<std::int64_t> edges(std::int64_t least, std::int64_t most) {
  std::vector<std::int64_t> all;
  for (std::int64_t power = 2; power <= most; power *= 2)
    for (std::int64_t about : {power - 1, power, power + 1})
      if (about >= least && about <= most) all.push_back(about);
  return all;
}

rc::Gen<std::int64_t> any_length() {
  using rc::gen::inRange;
  return rc::gen::weightedOneOf<std::int64_t>({{2, rc::gen::just<std::int64_t>(0)},
                                               {20, inRange<std::int64_t>(1, 5)},
                                               {40, inRange<std::int64_t>(1, 70)},
                                               {20, inRange<std::int64_t>(70, 600)},
                                               {20, rc::gen::elementOf(edges(8, 600))},
                                               {4, rc::gen::elementOf(edges(600, 5000))},
                                               {1, rc::gen::elementOf(edges(5000, 20000))},
                                               {1, inRange<std::int64_t>(600, 20000)}});
}

rc::Gen<std::int64_t> any_count() {
  using rc::gen::inRange;
  return rc::gen::weightedOneOf<std::int64_t>({{1, rc::gen::just<std::int64_t>(0)},
                                               {40, inRange<std::int64_t>(1, 4)},
                                               {10, inRange<std::int64_t>(1, 40)},
                                               {1, inRange<std::int64_t>(40, 300)}});
}

// Of a contract that names its lengths: the first two are lengths, the others counts.
rc::Gen<std::array<std::int64_t, k_most_dimensions>> any_extents() {
  return rc::gen::map(
      rc::gen::tuple(any_length(), any_length(), any_count(), any_count(), any_count()),
      [](const auto& drawn) {
        const auto& [a, b, c, d, e] = drawn;
        return std::array<std::int64_t, k_most_dimensions>{a, b, c, d, e, 1};
      });
}

// 0, the default, in half of all cases.
rc::Gen<int> any_choice() {
  return rc::gen::weightedOneOf<int>(
      {{1, rc::gen::just(0)}, {1, rc::gen::inRange<int>(1, int(k_choice))}});
}

rc::Gen<choices> any_choices() {
  using rc::gen::inRange;
  using rc::gen::set;
  const auto extents = rc::gen::map(
      rc::gen::tuple(any_length(), any_count(), any_count(), any_count()), [](const auto& drawn) {
        const auto& [last, a, b, c] = drawn;
        return std::array<std::int64_t, k_most_dimensions>{last, a, b, c, 1, 1};
      });
  return rc::gen::build<choices>(
      set(&choices::extents, extents),
      set(&choices::budget,
          rc::gen::weightedElement<std::int64_t>({{60, 600}, {10, 4096}, {1, 40000}})),
      set(&choices::gap,
          rc::gen::weightedElement<std::int64_t>({{3, 0}, {1, 1}, {1, 3}, {1, 8}, {1, 100}})),
      set(&choices::align, inRange(0, 9)), set(&choices::in_place, inRange(0, 4)),
      set(&choices::distribution, inRange(0, int(distributions().size()))),
      set(&choices::of_distribution, rc::gen::container<std::array<int, 2>>(any_choice())),
      set(&choices::parameters,
          rc::gen::container<std::array<int, k_most_parameters>>(any_choice())),
      set(&choices::seed, inRange<std::int64_t>(0, std::int64_t(1) << 31)),
      set(&choices::schedule, any_choice()));
}

// A number from `least` to `most`: magnitudes about 1 in most cases, and now and then any.
double real_of(int choice, double least, double most) {
  if (choice % 61 == 1) return least;
  if (choice % 61 == 2) return most;
  const bool far = choice % 16 == 3;
  constexpr int k_exponents = int(k_choice / 16);
  const int which = choice / 16;
  const double exponent = (double(which) / k_exponents - 0.5) * (far ? 270 : 16);
  const double magnitude = double(float(std::exp2(exponent)));
  return std::clamp(choice % 2 ? -magnitude : magnitude, least, most);
}

// A parameter: an integer is of any size up to `most`, each power of two equally likely.
double parameter_of(int choice, const parameter_spec& spec) {
  if (choice == 0) return spec.otherwise;
  if (!spec.whole) return real_of(choice, spec.least, spec.most);
  if (choice % 61 == 1) return spec.least;
  if (choice % 61 == 2) return spec.most;
  const double exponent = std::log2(spec.most - spec.least + 1) * double(choice) / double(k_choice);
  return std::clamp(spec.least + std::floor(std::exp2(exponent)), spec.least, spec.most);
}

// One that divides a dimension: any of the numbers that do.
double divisor_of(int choice, std::int64_t extent) {
  std::vector<std::int64_t> all;
  for (std::int64_t parts = 1; parts <= std::max<std::int64_t>(extent, 1); ++parts)
    if (extent % parts == 0) all.push_back(parts);
  return double(all[std::size_t(choice) % all.size()]);
}

double whole_of(int choice, double least, double most) {
  return std::clamp(choice % 2 ? double(choice % 64) : double(choice), least, most);
}

distribution_id distribution_of(const choices& from) {
  const distribution_info& info = distributions()[std::size_t(from.distribution)];
  distribution_id id{std::string(info.name), {}};
  for (std::size_t k = 0; k < info.parameters.size(); ++k) {
    const distribution_parameter& each = info.parameters[k];
    const int choice = from.of_distribution[k];
    if (choice == 0 && !info.interval) continue;
    const double value = choice == 0  ? each.value.as_double()
                         : each.whole ? whole_of(choice, each.least, each.most)
                                      : real_of(choice, each.least, each.most);
    id.parameters.push_back({each.key, value});
  }
  if (info.interval) {
    number &low = id.parameters[0].value, &high = id.parameters[1].value;
    if (low.as_double() > high.as_double()) std::swap(low, high);
    if (from.of_distribution == std::array<int, 2>{}) id.parameters.clear();
  }
  return id;
}

// Of a contract that names its lengths and usual sizes: those first, then counts.
fields usual_shape_of(const contract& c, const choices& from) {
  std::int64_t left = c.most_drawn > 0 ? std::min(from.budget, c.most_drawn) : from.budget;
  std::size_t lengths = 0, counts = 2;
  fields shape;
  for (const std::string& each : c.dimensions) shape.push_back({each, std::int64_t(1)});
  for (const bool length : {true, false})
    for (field& each : shape) {
      const auto found = c.usual.find(each.key);
      if (found != c.usual.end() && !found->second.empty()) {
        each.value = found->second[std::size_t(from.seed) % found->second.size()];
        continue;
      }
      if (length != (found != c.usual.end())) continue;
      const std::int64_t wanted = from.extents[length ? lengths++ : counts++];
      each.value = std::min(wanted, std::max<std::int64_t>(left, 1));
      left /= std::max<std::int64_t>(each.value.as_integer(), 1);
    }
  return shape;
}

// Dimensions that are larger than others may be make those larger.
void make_room(const contract& c, fields& shape) {
  for (const auto& [name, dimension] : c.at_most)
    for (field& each : shape)
      if (each.key == dimension && contains(shape, name))
        each.value = std::max(each.value.as_integer(), value_of(shape, name, 0).as_integer());
}

// Dimensions, the last one first: what is left of the budget is theirs in turn.
fields shape_of(const contract& c, const choices& from) {
  if (!c.usual.empty()) return usual_shape_of(c, from);
  fields shape;
  std::int64_t left = from.budget;
  for (std::size_t d = c.dimensions.size(); d-- > 0;) {
    const std::int64_t wanted = from.extents[c.dimensions.size() - 1 - d];
    const std::int64_t step = multiple_of(c, c.dimensions[d]);
    std::int64_t extent =
        d + 1 == c.dimensions.size() ? wanted : std::min(wanted, std::max<std::int64_t>(left, 1));
    extent = (extent + step - 1) / step * step;
    shape.insert(shape.begin(), {c.dimensions[d], extent});
    left /= std::max<std::int64_t>(extent, 1);
  }
  return shape;
}

// A run of the target without a shape or data.
run_id blank_run(const fuzz_target& target) {
  const contract& c = *target.of;
  run_id run{{c.component, c.variant, c.direction, {}, {}, {"normal", {}}, 0},
             target.by->name,
             target.backend,
             0};
  std::size_t at = 0;
  for (const auto* tensors : {&c.inputs, &c.outputs})
    for (const tensor_spec& tensor : *tensors)
      run.of.types.push_back({tensor.name, target.types[at++]});
  return run;
}

run_id decoded_run(const fuzz_target& target, const choices& from) {
  const contract& c = *target.of;
  run_id run = blank_run(target);
  run.schedule = std::uint64_t(from.schedule);
  case_id& id = run.of;
  std::int64_t narrowest = 256;
  for (dtype type : target.types) narrowest = std::min(narrowest, std::int64_t(size_of(type)));
  id.shape = shape_of(c, from);
  make_room(c, id.shape);
  if (from.align > 0)
    id.shape.push_back({"align", std::max(std::int64_t(1) << (8 - from.align), narrowest)});
  if (from.in_place == 3 && target.by->in_place && c.inputs[0].shape == c.outputs[0].shape &&
      target.types[0] == target.types[c.inputs.size()])
    id.shape.push_back({"inplace", 1});
  if (c.takes_gaps && from.gap > 0) id.shape.push_back({"pad", from.gap});
  for (std::size_t k = 0; k < c.parameters.size(); ++k) {
    const parameter_spec& each = c.parameters[k];
    const int choice = from.parameters[k % k_most_parameters];
    const auto divided = std::find_if(c.divided_by.begin(), c.divided_by.end(),
                                      [&](const auto& d) { return d.second == each.name; });
    const auto limited = c.at_most.find(each.name);
    double value = 0;
    if (divided != c.divided_by.end())
      value = divisor_of(choice, id.dimension(divided->first));
    else if (limited != c.at_most.end() && choice > 0)
      value = double(choice % (id.dimension(limited->second) + 1));
    else
      value = parameter_of(choice, each);
    id.shape.push_back({each.name, value});
  }
  id.distribution = distribution_of(from);
  id.seed = std::uint64_t(from.seed);
  return run;
}

}  // namespace

std::string text_of(const fuzz_target& target) { return print(blank_run(target)); }

rc::Seq<run_id> simpler_runs(const run_id& run) {
  const contract& c = contract_of(run.of);
  std::vector<run_id> all;
  const auto add = [&](const auto& change) {
    run_id simpler = run;
    change(simpler);
    if (!(simpler == run) && misfit(c, simpler.of).empty()) all.push_back(std::move(simpler));
  };
  add([](run_id& r) { r.schedule = 0; });
  for (const char* layout : {"pad", "inplace", "align"})
    add([&](run_id& r) {
      std::erase_if(r.of.shape, [&](const field& f) { return f.key == layout; });
    });
  for (const parameter_spec& each : c.parameters)
    add([&](run_id& r) {
      for (field& f : r.of.shape)
        if (f.key == each.name) f.value = each.otherwise;
    });
  add([](run_id& r) { r.of.distribution = {"normal", {}}; });
  add([](run_id& r) { r.of.distribution.parameters.clear(); });
  for (const std::string& dimension : c.dimensions) {
    const std::int64_t step = multiple_of(c, dimension);
    for (rc::Seq<std::int64_t> shorter =
             rc::shrink::towards<std::int64_t>(run.of.dimension(dimension) / step, 1);
         ;) {
      const rc::Maybe<std::int64_t> steps = shorter.next();
      if (!steps) break;
      if (*steps > 0)
        add([&](run_id& r) {
          for (field& f : r.of.shape)
            if (f.key == dimension) f.value = *steps * step;
        });
    }
  }
  for (std::uint64_t seed : {0u, 1u, 2u, 3u})
    if (seed < run.of.seed) add([&](run_id& r) { r.of.seed = seed; });
  return rc::seq::fromContainer(std::move(all));
}

rc::Gen<run_id> any_run(const fuzz_target& target) {
  const auto taken = [target](const run_id& run) {
    return !target.by->declines || target.by->declines(run.of).empty();
  };
  const auto decode = [target](const choices& from) { return decoded_run(target, from); };
  rc::Gen<choices> drawn = any_choices();
  if (!target.of->usual.empty())
    drawn = rc::gen::map(rc::gen::pair(std::move(drawn), any_extents()), [](const auto& both) {
      choices all = both.first;
      all.extents = both.second;
      return all;
    });
  return rc::gen::shrink(
      rc::gen::noShrink(rc::gen::suchThat(rc::gen::map(std::move(drawn), decode), taken)),
      [](const run_id& run) { return simpler_runs(run); });
}

rc::Shrinkable<run_id> drawn_run(const rc::Gen<run_id>& from, std::uint64_t seed,
                                 std::uint64_t index) {
  return from(rc::Random(rc::Random::Key{seed, index, 0, 0}), k_size);
}

run_id neighbour_of(const run_id& near, const run_id& drawn, std::uint64_t choice) {
  run_id moved = near;
  switch (choice % 4) {
    case 0:
      moved.of.shape = drawn.of.shape;
      break;
    case 1:
      moved.of.distribution = drawn.of.distribution;
      break;
    default:
      moved.of.seed = drawn.of.seed;
  }
  return moved;
}

}  // namespace assay::properties
