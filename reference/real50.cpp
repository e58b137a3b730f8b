#include "reference/real50.hpp"

#include "reference/erfc_table.hpp"

#include <vector>

namespace assay::reference {

namespace {

const erfc_table<real50>& table() {
  static const erfc_table<real50> value;
  return value;
}

/// 1/1!, 1/2!, ..., until (1/2)^n / n! is below the last bit of 1.
const std::vector<real50>& inverse_factorials() {
  static const std::vector<real50> value = [] {
    std::vector<real50> result;
    real50 term = 1;
    double size = 1;
    for (int n = 1; size > k_unit_roundoff<real50> / 16; ++n) {
      term /= n;
      size /= 2 * n;
      result.push_back(term);
    }
    return result;
  }();
  return value;
}

}  // namespace

real50 special<real50>::exp(const real50& x) { return boost::multiprecision::exp(x); }
real50 special<real50>::log(const real50& x) { return boost::multiprecision::log(x); }
real50 special<real50>::sqrt(const real50& x) { return boost::multiprecision::sqrt(x); }
real50 special<real50>::sin(const real50& x) { return boost::multiprecision::sin(x); }
real50 special<real50>::cos(const real50& x) { return boost::multiprecision::cos(x); }
real50 special<real50>::erf(const real50& x) { return table().erf(x); }
real50 special<real50>::erfc(const real50& x) { return table().erfc(x); }

/// x + x^2/2! + ... for |x| < 1/2, else e^x - 1, which is then at least 0.39 in size.
real50 special<real50>::expm1(const real50& x) {
  if (!(magnitude(x) < real50(0.5))) return exp(x) - 1;
  const auto& c = inverse_factorials();
  real50 sum = c.back();
  for (std::size_t i = c.size() - 1; i-- > 0;) sum = sum * x + c[i];
  return sum * x;
}

/// 2 atanh z = 2 (z + z^3/3 + ...), z = x / (2 + x), for |x| < 1/8, else log(1 + x), which is then
/// at least 0.117 in size (A&S 4.1.27).
real50 special<real50>::log1p(const real50& x) {
  if (!(magnitude(x) < real50(0.125))) return log(real50(1 + x));
  const real50 z = x / (2 + x);
  const real50 square = z * z;
  real50 power = 2 * z;
  real50 sum = power;
  for (int n = 3; magnitude(power) > magnitude(sum) * real50(k_unit_roundoff<real50> / 16);
       n += 2) {
    power *= square;
    sum += power / n;
  }
  return sum;
}

/// (e^2x - 1) / (e^2x + 1) with x on the side where e^2x - 1 <= 0.
real50 special<real50>::tanh(const real50& x) {
  const real50 e = expm1(real50(-2 * magnitude(x)));
  const real50 result = -e / (2 + e);
  return x < 0 ? real50(-result) : result;
}

/// pi to 110 digits.
real50 special<real50>::pi() {
  static const real50 value(
      "3."
      "14159265358979323846264338327950288419716939937510582097494459230781640628620899862803482534"
      "211"
      "706798214808651");
  return value;
}

}  // namespace assay::reference
