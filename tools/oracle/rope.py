"""Rotary position embedding: pairs as complex numbers that are turned, as mpmath has them."""

import math

from mpmath import mp, mpc, mpf
from settled import Decided


class Turn:
    """A pair of values as a complex number, times e^(i angle)."""

    def __init__(self, position, place, pairs, base, linear, ntk, sign, pair):
        self.position, self.place, self.pairs = position, place, pairs
        self.base, self.linear, self.ntk, self.sign, self.pair = base, linear, ntk, sign, pair

    def factor(self):
        base = mpf(self.base)
        if self.pairs > 1:  # base scale^(d / (d - 2))
            base *= mp.power(mpf(self.ntk), mpf(self.pairs) / (self.pairs - 1))
        angle = mpf(self.position) / mpf(self.linear) / mp.power(base, mpf(self.place) / self.pairs)
        return mp.expj(self.sign * angle)

    def values(self, bits):
        with mp.workprec(bits + 100):  # an angle of up to 2^25
            turned = mpc(*(mpf(x) for x in self.pair)) * self.factor()
            return [turned.real, turned.imag]

    def infinite(self):
        """The pair where one of it is infinite or no number: IEEE arithmetic with the factor's signs."""
        with mp.workprec(400):
            factor = self.factor()
            c, s = float(factor.real), float(factor.imag)
        a, b = self.pair
        return [a * c - b * s, b * c + a * s]


def expected(case, output, tensors):
    """Pairs of an index and what stands there: as it is at position 0, else (turn, 0 or 1)."""
    (values,) = tensors.values()
    t, heads, d = (int(case.shape[name]) for name in ("t", "heads", "d"))
    scale = case.parameter("scale")
    for at in range(len(values)):
        place, position = at % d, at // (d * heads) % t + int(case.parameter("offset"))
        first = at - place + place % (d // 2)
        turn = Turn(position, place % (d // 2), d // 2, case.parameter("base"),
                    scale if case.variant == "linear" else 1.0, scale if case.variant == "ntk" else 1.0,
                    -1 if case.direction == "bwd" else 1, (values[first], values[first + d // 2]))
        half = place // (d // 2)
        if position == 0:
            yield at, Decided(values[at])
        elif not all(math.isfinite(x) for x in turn.pair):
            yield at, Decided(turn.infinite()[half])
        else:
            yield at, (turn, half)
