// A number as it stands in an id: an integer or a double, with one canonical text each, so that
// printing and parsing are inverse.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace assay::properties {

class number {
 public:
  constexpr number() = default;
  constexpr number(std::int64_t value) : value_(value) {}  // NOLINT(google-explicit-constructor)
  constexpr number(int value) : value_(std::int64_t(value)) {}  // NOLINT
  // A double that is an integer of fewer than 53 bits becomes that integer; -0 stays a double.
  number(double value);  // NOLINT(google-explicit-constructor)

  bool is_integer() const { return std::holds_alternative<std::int64_t>(value_); }
  std::int64_t as_integer() const { return std::get<std::int64_t>(value_); }
  double as_double() const;

  // Decimal digits for an integer; otherwise the shortest decimal that reads back to the same bits,
  // or "inf", "-inf", "nan" (every NaN is one number here).
  std::string text() const;
  // The number whose text() is exactly `text`; nothing for any other spelling.
  static std::optional<number> parse(std::string_view text);

  friend bool operator==(const number& a, const number& b) { return a.text() == b.text(); }

 private:
  std::variant<std::int64_t, double> value_ = std::int64_t(0);
};

}  // namespace assay::properties
