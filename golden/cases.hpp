// Which cases a component's golden holds: a rule over the contract alone, so that a user's own
// component has goldens without a line of code.
#pragma once

#include "properties/contract.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace assay::golden {

// Of a case's largest tensor. A file of some ten functions in three dtypes stays below 100 KB.
inline constexpr std::int64_t k_most_elements = 32;
// So many times that, for each dimension that kernels are made for certain sizes of, the first of
// which is kept (contract::usual): else none of them would take the case.
inline constexpr std::int64_t k_usual_rows = 4;
// Of each combination of dtypes.
inline constexpr std::size_t k_distributions = 3;

// The contract's own cases, made small: layout left out (it changes no value), and the largest
// dimension halved, the outermost first, until there are at most k_most_elements or nothing is left
// to be halved (the weights of a layer grow with the square of a size that is kept). Of those, for
// each combination of dtypes, the first k_distributions distributions that the contract lists, each
// by its largest case; and, once in the contract, every further combination of parameters. Cases
// without elements are left out.
std::vector<properties::case_id> cases_of(const properties::contract& c);

// Components that have a contract, in the contracts' order, and the contracts of one.
std::vector<std::string> components();
std::vector<const properties::contract*> contracts_of(const std::string& component);

}  // namespace assay::golden
