// Checks of what stands behind an option. CLI11's own conversions take -1 for the largest unsigned
// number and cut a number that is too large.
#pragma once

#include <CLI/CLI.hpp>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

namespace assay::tools {

inline CLI::Validator whole_number(std::uint64_t most = std::numeric_limits<std::uint64_t>::max()) {
  return {[most](std::string& text) -> std::string {
            std::uint64_t value = 0;
            const char* const end = text.data() + text.size();
            const auto [stop, error] = std::from_chars(text.data(), end, value);
            if (error == std::errc() && stop == end && value <= most) return "";
            return "'" + text + "' is no whole number from 0 to " + std::to_string(most);
          },
          "N"};
}

// From `least` on, or above it; below `most`.
inline CLI::Validator number_below(double most, double least = 0) {
  return {[=](std::string& text) -> std::string {
            double value = 0;
            const char* const end = text.data() + text.size();
            const auto [stop, error] = std::from_chars(text.data(), end, value);
            if (error == std::errc() && stop == end && value >= least && value < most) return "";
            const bool is_bounded = std::isfinite(most);
            return "'" + text + "' is no number from " + CLI::detail::to_string(least) +
                   (is_bounded ? " to below " + CLI::detail::to_string(most) : " on");
          },
          "NUMBER"};
}

inline CLI::Validator seconds() {
  return {[](std::string& text) -> std::string {
            double value = 0;
            const char* const end = text.data() + text.size();
            const auto [stop, error] = std::from_chars(text.data(), end, value);
            if (error == std::errc() && stop == end && value > 0 && std::isfinite(value)) return "";
            return "'" + text + "' is no number of seconds above 0";
          },
          "SECONDS"};
}

}  // namespace assay::tools
