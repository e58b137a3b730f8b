// Which functions, implementations and cases a PATTERN on the command line means.
#pragma once

#include "properties/contract.hpp"

#include <string>
#include <vector>

namespace assay::tools {

// A pattern matches a text that contains it; with *, ? or [ in it, a text that it matches whole as
// a shell pattern would.
bool matches(const std::string& pattern, const std::string& text);

// Which of these texts match any of the patterns (all, where there are none). Throws bad_input,
// with the nearest names, where a pattern matches none.
std::vector<bool> matching(const std::vector<std::string>& patterns,
                           const std::vector<std::string>& texts);

// The runs of every contract's cases by every implementation that takes them, whose ids match any
// of the patterns (all, where there are none). Throws bad_input, with the nearest names, where a
// pattern matches nothing.
std::vector<properties::run_id> select_runs(const std::vector<std::string>& patterns,
                                            const std::string& backend);

// The contracts whose function matches, likewise.
std::vector<const properties::contract*> select_contracts(const std::vector<std::string>& patterns);

// The one contract of that name; throws bad_input with the nearest names.
const properties::contract& contract_named(const std::string& function);

}  // namespace assay::tools
