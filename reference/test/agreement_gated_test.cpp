#include "reference/mish.hpp"
#include "reference/silu.hpp"
#include "reference/test/agreement.hpp"

#include <gtest/gtest.h>

namespace assay::reference {
namespace {

using test::check_agreement;

template <class I>
I sigmoid(const I& x) {
  return I(1) / (I(1) + exp(I(-1) * x));
}

TEST(agreement, silu) {
  check_agreement(k_silu, silu_forward{}, [](auto x) { return x * sigmoid(x); });
}

TEST(agreement, silu_derivative) {
  check_agreement(k_silu_derivative, silu_slope{}, [](auto x) {
    using I = decltype(x);
    const I s = sigmoid(x);
    return s + x * s * (I(1) - s);
  });
}

TEST(agreement, mish) {
  check_agreement(k_mish, mish_forward{}, [](auto x) { return x * tanh(log1p(exp(x))); });
}

TEST(agreement, mish_derivative) {
  check_agreement(k_mish_derivative, mish_slope{}, [](auto x) {
    using I = decltype(x);
    const I t = tanh(log1p(exp(x)));
    return t + x * (I(1) - square(t)) * sigmoid(x);
  });
}

}  // namespace
}  // namespace assay::reference
