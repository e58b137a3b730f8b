#include "tools/assay/selection.hpp"

#include "properties/bad_input.hpp"
#include "properties/nearest.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <set>

namespace assay::tools {

using namespace properties;

namespace {

// What a person may have meant: components, functions, and parts of function names.
std::vector<std::string> known_names() {
  std::set<std::string> names;
  for (const contract& c : contracts()) {
    names.insert(c.component);
    names.insert(c.component + "." + c.variant);
    names.insert(c.function());
  }
  return {names.begin(), names.end()};
}

void require_matches(const std::vector<std::string>& patterns, const std::vector<bool>& matched) {
  for (std::size_t i = 0; i < patterns.size(); ++i)
    if (!matched[i])
      throw bad_input("'{}' matches nothing; {}", patterns[i],
                      suggestion(patterns[i], known_names()));
}

}  // namespace

bool matches(const std::string& pattern, const std::string& text) {
  if (pattern.find_first_of("*?[") == std::string::npos)
    return text.find(pattern) != std::string::npos;
  return fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

std::vector<run_id> select_runs(const std::vector<std::string>& patterns,
                                const std::string& backend) {
  std::vector<run_id> runs;
  std::vector<bool> matched(patterns.size());
  for (const contract& c : contracts())
    for (const case_id& id : c.cases)
      for (const implementation& by : c.implementations) {
        if (by.declines && !by.declines(id).empty()) continue;  // no case of this one
        run_id run{id, by.name, backend, 0};
        const std::string text = print(run);
        bool wanted = patterns.empty();
        for (std::size_t i = 0; i < patterns.size(); ++i)
          if (matches(patterns[i], text)) wanted = matched[i] = true;
        if (wanted) runs.push_back(std::move(run));
      }
  require_matches(patterns, matched);
  return runs;
}

std::vector<const contract*> select_contracts(const std::vector<std::string>& patterns) {
  std::vector<const contract*> selected;
  std::vector<bool> matched(patterns.size());
  for (const contract& c : contracts()) {
    bool wanted = patterns.empty();
    for (std::size_t i = 0; i < patterns.size(); ++i)
      if (matches(patterns[i], c.function())) wanted = matched[i] = true;
    if (wanted) selected.push_back(&c);
  }
  require_matches(patterns, matched);
  return selected;
}

const contract& contract_named(const std::string& function) {
  std::vector<std::string> names;
  for (const contract& c : contracts()) {
    if (c.function() == function) return c;
    names.push_back(c.function());
  }
  throw bad_input("unknown function '{}'; {}", function, suggestion(function, names));
}

}  // namespace assay::tools
