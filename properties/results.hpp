// What properties of several components do with results.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace assay::properties {

// Empty where the results are the same bits; else the first that is not.
std::string same_bits(const std::vector<double>& left, const std::vector<double>& right);

// A tensor of so many pieces with them in reverse order.
std::vector<double> reversed(const std::vector<double>& all, std::size_t pieces);

}  // namespace assay::properties
