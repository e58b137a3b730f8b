// The properties that activations share.
#pragma once

#include "properties/contract.hpp"

#include <string>
#include <vector>

namespace assay::properties {

// Of every element-wise function, forward or backward: an element's result does not depend on the
// others. Cutting a batch in two, and reversing it, changes no bit; a reduction over the batch
// (dalpha) moves within its bound.
property batch_invariance();

// f(x) - f(-x) = x: relu, gelu in both forms, silu. Of a function of alpha x, alpha x; likewise
// below.
property difference_of_mirror_images();

// f'(x) + f'(-x) = 1, and f'(0) = 1/2 exactly: the same functions' derivatives.
property slopes_of_mirror_images();

// f(infinity) = infinity, f(-infinity) = -0, f(NaN) = NaN; for a derivative 1, -0, NaN; relu's zero
// is +0. Only where the implementation's domain has the infinities.
property limits_forward(double at_minus_infinity = -0.0);
property limits_backward(double at_minus_infinity = -0.0);

// f(x) = x g(x) with a gate g in [0, 1], so it lies between 0 and x; and f' > 0 where x > 0. Of
// every activation here that has no parameter.
property values_of_a_gate();
property rising_right_of_zero();

// backward(x, c dy) = c backward(x, dy) for c = 2 and -1/4, and backward(x, dy) = dy backward(x,
// 1).
property linear_in_the_gradient();

// gelu.scaled with alpha = 1 is gelu.erf: within both bounds.
property unscaled_is(const std::string& variant);

}  // namespace assay::properties
