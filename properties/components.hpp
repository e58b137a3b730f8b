// The contracts of every component, in the order in which CMakeLists.txt lists them. Each
// component's file properties/NAME.cpp defines `std::vector<contract> NAME_contracts()`; the list
// of calls is made at configure time (tools/cmake/component.cmake).
#pragma once

#include "properties/contract.hpp"

#include <vector>

namespace assay::properties {

std::vector<contract> all_contracts();

}  // namespace assay::properties
