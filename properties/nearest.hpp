// The names most like a misspelt one, for error messages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace assay::properties {

// Up to `most` of `names`, by Levenshtein distance, the nearest first; names that share less than
// half of their letters are left out.
std::vector<std::string> nearest(std::string_view wrong, const std::vector<std::string>& names,
                                 std::size_t most = 3);

// "did you mean 'a' or 'b'?", or "there are: a, b, c" where nothing is near.
std::string suggestion(std::string_view wrong, const std::vector<std::string>& names);

}  // namespace assay::properties
