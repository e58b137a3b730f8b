// Why something is refused.
#pragma once

#include "properties/bad_input.hpp"
#include "properties/contract.hpp"

#include <string>

namespace assay::properties {

// The message of the bad_input that `action` must end in; empty where it does not.
template <class Action>
std::string refusal_of(const Action& action) {
  try {
    action();
  } catch (const bad_input& wrong) {
    return wrong.what();
  }
  return {};
}

// The line that a user gets for a case; empty if it is taken.
inline std::string refusal(const std::string& text) {
  return refusal_of([&] {
    const case_id id = parse_case(text);
    validate(contract_of(id), id);
  });
}

}  // namespace assay::properties
