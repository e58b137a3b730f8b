// Why a case is refused.
#pragma once

#include "properties/bad_input.hpp"
#include "properties/contract.hpp"

#include <string>

namespace assay::properties {

// The line that a user gets for a case; empty if it is taken.
inline std::string refusal(const std::string& text) {
  try {
    const case_id id = parse_case(text);
    validate(contract_of(id), id);
  } catch (const bad_input& wrong) {
    return wrong.what();
  }
  return {};
}

}  // namespace assay::properties
