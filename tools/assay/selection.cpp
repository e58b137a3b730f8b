#include "tools/assay/selection.hpp"

#include "properties/bad_input.hpp"
#include "properties/nearest.hpp"

#include <fmt/ranges.h>
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

}  // namespace

bool matches(const std::string& pattern, const std::string& text) {
  if (pattern.find_first_of("*?[") == std::string::npos)
    return text.find(pattern) != std::string::npos;
  return fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
}

std::vector<bool> matching(const std::vector<std::string>& patterns,
                           const std::vector<std::string>& texts) {
  std::vector<bool> wanted(texts.size(), patterns.empty());
  for (const std::string& pattern : patterns) {
    bool any = false;
    for (std::size_t i = 0; i < texts.size(); ++i)
      if (matches(pattern, texts[i])) wanted[i] = any = true;
    if (!any)
      throw bad_input("'{}' matches nothing; {}", pattern, suggestion(pattern, known_names()));
  }
  return wanted;
}

std::vector<run_id> select_runs(const std::vector<std::string>& patterns,
                                const std::string& backend) {
  std::vector<run_id> all, chosen;
  std::vector<std::string> texts;
  for (const contract& c : contracts())
    for (const case_id& id : c.cases)
      for (const implementation& by : c.implementations) {
        if (by.declines && !by.declines(id).empty()) continue;  // no case of this one
        all.push_back({id, by.name, backend, 0});
        texts.push_back(print(all.back()));
      }
  const std::vector<bool> wanted = matching(patterns, texts);
  for (std::size_t i = 0; i < all.size(); ++i)
    if (wanted[i]) chosen.push_back(std::move(all[i]));
  return chosen;
}

std::vector<const contract*> select_contracts(const std::vector<std::string>& patterns) {
  std::vector<const contract*> chosen;
  std::vector<std::string> texts;
  for (const contract& c : contracts()) texts.push_back(c.function());
  const std::vector<bool> wanted = matching(patterns, texts);
  for (std::size_t i = 0; i < texts.size(); ++i)
    if (wanted[i]) chosen.push_back(&contracts()[i]);
  return chosen;
}

const contract& contract_named(const std::string& function) {
  std::vector<std::string> names;
  for (const contract& c : contracts()) {
    if (c.function() == function) return c;
    names.push_back(c.function());
  }
  // Of a part of a name: what begins with it.
  std::vector<std::string> longer;
  for (const std::string& name : names)
    if (name.rfind(function + ".", 0) == 0) longer.push_back(name);
  if (!longer.empty())
    throw bad_input("'{}' is no whole name of a function; there are: {}", function,
                    fmt::join(longer, ", "));
  throw bad_input("unknown function '{}'; {}", function, suggestion(function, names));
}

}  // namespace assay::tools
