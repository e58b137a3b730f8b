#include "golden/cases.hpp"

#include <algorithm>
#include <iterator>
#include <set>

namespace assay::golden {

using namespace properties;

namespace {

case_id reduced(const contract& c, case_id id) {
  std::erase_if(id.shape,
                [](const field& each) { return each.key == "align" || each.key == "inplace"; });
  std::int64_t most = k_most_elements;
  for (const auto& [dimension, sizes] : c.usual)
    if (!sizes.empty()) most *= k_usual_rows;
  const auto halved = [&](const field& each) {
    const std::int64_t step = multiple_of(c, each.key);
    return (each.value.as_integer() / 2 + step - 1) / step * step;
  };
  while (elements_of(c, id) > most) {
    field* largest = nullptr;
    for (field& each : id.shape) {
      const bool is_dimension =
          std::find(c.dimensions.begin(), c.dimensions.end(), each.key) != c.dimensions.end();
      const auto usual = c.usual.find(each.key);
      const bool keeps =
          usual != c.usual.end() && !usual->second.empty() && each.value == usual->second.front();
      case_id smaller = id;
      for (field& same : smaller.shape)
        if (is_dimension && same.key == each.key) same.value = halved(each);
      if (is_dimension && !keeps && misfit(c, smaller).empty() &&
          each.value.as_integer() > multiple_of(c, each.key) &&
          (!largest || each.value.as_integer() > largest->value.as_integer()))
        largest = &each;
    }
    if (!largest) break;  // no smaller multiples
    largest->value = halved(*largest);
  }
  return id;
}

std::string parameters_of(const contract& c, const case_id& id) {
  std::string all;
  for (const parameter_spec& each : c.parameters)
    all += value_of(id.shape, each.name, each.otherwise).text() + ",";
  return all;
}

bool has_defaults(const contract& c, const case_id& id) {
  return std::all_of(c.parameters.begin(), c.parameters.end(), [&](const parameter_spec& each) {
    return value_of(id.shape, each.name, each.otherwise) == number(each.otherwise);
  });
}

// The largest of those that `wanted` holds of; the first of equals. Null where there is none.
template <class Wanted>
const case_id* largest(const contract& c, const std::vector<case_id>& all, Wanted wanted) {
  const case_id* best = nullptr;
  for (const case_id& id : all)
    if (wanted(id) && (!best || elements_of(c, id) > elements_of(c, *best))) best = &id;
  return best;
}

}  // namespace

std::vector<case_id> cases_of(const contract& c) {
  std::vector<case_id> all, chosen;
  for (const case_id& id : c.cases)
    if (elements_of(c, id) > 0) all.push_back(reduced(c, id));
  const auto add = [&](const case_id* id) {
    if (id && std::find(chosen.begin(), chosen.end(), *id) == chosen.end()) chosen.push_back(*id);
  };
  std::set<std::string> settings;
  for (const case_id& of_these_types : all) {
    std::vector<std::string> drawn;
    for (const case_id& id : all) {
      const std::string& name = id.distribution.name;
      if (id.types != of_these_types.types || !has_defaults(c, id) ||
          drawn.size() == k_distributions ||
          std::find(drawn.begin(), drawn.end(), name) != drawn.end())
        continue;
      drawn.push_back(name);
      add(largest(c, all, [&](const case_id& other) {
        return other.types == id.types && other.distribution.name == name && has_defaults(c, other);
      }));
    }
  }
  for (const case_id& id : chosen) settings.insert(parameters_of(c, id));
  for (const case_id& id : all) {
    const std::string given = parameters_of(c, id);
    if (settings.insert(given).second)
      add(largest(c, all, [&](const case_id& other) { return parameters_of(c, other) == given; }));
  }
  return chosen;
}

std::vector<std::string> components() {
  std::vector<std::string> names;
  for (const contract& c : contracts())
    if (std::find(names.begin(), names.end(), c.component) == names.end())
      names.push_back(c.component);
  return names;
}

std::vector<const contract*> contracts_of(const std::string& component) {
  std::vector<const contract*> all;
  for (const contract& c : contracts())
    if (c.component == component) all.push_back(&c);
  return all;
}

}  // namespace assay::golden
