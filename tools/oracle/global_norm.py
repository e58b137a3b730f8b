"""The length of a vector of gradients, and the factor that brings it down to a limit, as mpmath has them."""

import math

from mpmath import mp, mpf
from settled import to_fp32


class Norm:
    def __init__(self, case, output, gradients):
        self.output, self.limit, self.gradients = output, to_fp32(case.shape["limit"]), gradients

    def values(self, bits):
        with mp.workprec(bits + 700):
            return [self.length() if self.output == "norm" else self.factor()]

    def length(self):
        if any(math.isnan(g) for g in self.gradients):
            return math.nan
        if any(math.isinf(g) for g in self.gradients):
            return math.inf
        return mp.norm([mpf(g) for g in self.gradients], 2)

    def factor(self):
        length = self.length()
        if isinstance(length, float):
            return math.nan
        return mpf(1) if length <= self.limit else mpf(self.limit) / length


def expected(case, output, tensors):
    """The one index and (norm, 0)."""
    yield 0, (Norm(case, output, tensors["gradients"]), 0)
