#include "properties/number.hpp"

#include <charconv>
#include <cmath>
#include <limits>

namespace assay::properties {

number::number(double value) {
  const bool is_integer = value == std::trunc(value) && std::abs(value) < 0x1p53 &&
                          !(value == 0 && std::signbit(value));
  if (is_integer)
    value_ = std::int64_t(value);
  else
    value_ = std::isnan(value) ? std::numeric_limits<double>::quiet_NaN() : value;
}

double number::as_double() const {
  return is_integer() ? double(as_integer()) : std::get<double>(value_);
}

std::string number::text() const {
  char buffer[40];
  const auto result = is_integer()
                          ? std::to_chars(buffer, buffer + sizeof buffer, as_integer())
                          : std::to_chars(buffer, buffer + sizeof buffer, std::get<double>(value_));
  return std::string(buffer, result.ptr);
}

std::optional<number> number::parse(std::string_view text) {
  const char* const end = text.data() + text.size();
  number parsed;
  std::int64_t integer = 0;
  if (const auto result = std::from_chars(text.data(), end, integer);
      result.ec == std::errc() && result.ptr == end) {
    parsed = number(integer);
  } else {
    double real = 0;
    const auto real_result = std::from_chars(text.data(), end, real);
    if (real_result.ec != std::errc() || real_result.ptr != end) return std::nullopt;
    parsed = number(real);
  }
  if (parsed.text() != text) {  // "-0" is read as an integer first, and is a double
    parsed.value_ = text == "-0" ? std::variant<std::int64_t, double>(-0.0) : parsed.value_;
    if (parsed.text() != text) return std::nullopt;
  }
  return parsed;
}

}  // namespace assay::properties
