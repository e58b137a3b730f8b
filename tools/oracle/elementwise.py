"""Activations, element by element, and their gradients: mpmath's definitions and numerical derivatives."""

import math

from activations import FUNCTIONS, at_infinity, round_to
from mpmath import mp, mpf
from settled import Decided, Elementwise, to_fp32

SLOPE_AT_ZERO = {"gelu.erf": mpf(1) / 2, "gelu.tanh": mpf(1) / 2, "silu": mpf(1) / 2, "mish": mpf(3) / 5}


def slope(name, x, alpha, bits):
    """f'(x) as an mpf; at zero, where it is rational, exactly."""
    if x == 0 or (name == "gelu.scaled" and alpha == 0):
        return mpf(alpha) / 2 if name == "gelu.scaled" else SLOPE_AT_ZERO[name]
    with mp.workprec(bits):
        return FUNCTIONS[name + ".derivative"](mpf(x), mpf(alpha))


def slope_in_fp32(name, x, alpha):
    """f'(x) as fp32 has it: with its sign if it is zero."""
    if math.isinf(alpha * x):
        return (1.0 if alpha * x > 0 else -0.0) * alpha
    value = slope(name, x, alpha, 400)
    return round_to("fp32", value, -1.0 if value < 0 else 1.0)


def forward(name, x, alpha):
    z = alpha * x
    if math.isnan(z):
        return Decided(math.nan)
    if math.isinf(z):
        return Decided(at_infinity("relu" if name == "relu" else "gelu", z))
    if name == "relu" or z == 0:
        return Decided(max(x, 0.0) + 0.0 if name == "relu" else z)

    def value(bits):
        with mp.workprec(bits):
            return FUNCTIONS[name](mpf(x), mpf(alpha))

    return Elementwise(value, z)


def backward(name, x, alpha, dy):
    if name == "relu":
        return Decided(math.nan if math.isnan(x) else dy if x > 0 else 0.0)
    z = alpha * x
    if math.isnan(z) or math.isnan(dy):
        return Decided(math.nan)
    if math.isinf(dy):
        return Decided(dy * slope_in_fp32(name, x, alpha))
    if math.isinf(z):
        return Decided(dy * ((1.0 if z > 0 else -0.0) * alpha))
    steep = slope(name, x, alpha, 400)
    # What vanishes does so on the left, from below: f rises to it from its minimum.
    upward = (steep > 0) - (steep < 0) or (-1 if z < 0 else 1) * math.copysign(1, alpha)
    sign = upward * math.copysign(1, dy)
    if dy == 0 or alpha == 0:
        return Decided(math.copysign(0.0, sign))

    def value(bits):
        with mp.workprec(2 * bits + 400):
            return slope(name, x, alpha, bits) * mpf(dy)

    return Elementwise(value, sign)


def alpha_term(x, alpha, dy, bits):
    """dy x gelu'(alpha x): a float where it is no number or infinite, or meets one; else an mpf."""
    z = alpha * x
    if math.isnan(z) or math.isnan(dy):
        return math.nan
    if math.isinf(dy):
        steep = (1.0 if z > 0 else -0.0) if math.isinf(z) else round_to("fp32", slope("gelu.erf", z, 1.0, bits), z)
        return dy * (0.0 if steep == 0 else to_fp32(mpf(x) * mpf(steep)) if math.isfinite(x) else x * steep)
    if math.isinf(z):
        return mpf(0) if z < 0 else dy * x
    with mp.workprec(2 * bits + 400):
        return mpf(dy) * mpf(x) * slope("gelu.erf", z, 1.0, bits)


class Sum:
    """dalpha: one output of all elements."""

    def __init__(self, case, tensors):
        self.elements = list(zip(tensors["x"], tensors["dy"]))
        self.alpha = case.parameter("alpha")

    def values(self, bits):
        terms = [alpha_term(x, self.alpha, dy, bits) for x, dy in self.elements]
        odd = [float(term) for term in terms if isinstance(term, float) and not math.isfinite(term)]
        if odd:
            return [sum(odd)]
        with mp.workprec(2 * bits + 400):
            return [mp.fsum(mpf(term) for term in terms)]


def expected(case, output, tensors):
    """Pairs of an index and either Decided, Elementwise, or (group, place in it)."""
    if output == "dalpha":
        yield 0, (Sum(case, tensors), 0)
        return
    name = case.component if case.variant == "plain" else f"{case.component}.{case.variant}"
    if name not in FUNCTIONS:
        raise LookupError(f"there is no formula of {case.function} here: add it to tools/oracle")
    alpha = case.parameter("alpha")
    for i, x in enumerate(tensors["x"]):
        yield i, forward(name, x, alpha) if case.direction == "fwd" else backward(name, x, alpha, tensors["dy"][i])
