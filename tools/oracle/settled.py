"""Values as their formulas give them, and what they round to once enough bits decide it."""

import math

from activations import FORMATS, round_to
from mpmath import mp, mpf

FORMATS["fp64"] = (53, -1022, 1023)
FORMATS["int32"] = (31, 30, 30)  # 1 apart, up to 2^31 - 1
PRECISIONS = (200, 500, 1200, 3000)
EXACT_FROM = 1200  # bits: what more of them do not change has no more


def rounded_double(fmt, x):
    """A double or an mpf, rounded to the format, as a double."""
    if isinstance(x, float) and (not math.isfinite(x) or x == 0):
        return x
    return round_to(fmt, mpf(x), 1.0)


def to_fp32(x):
    return rounded_double("fp32", x)


class Decided:
    """A value known by itself: not a number, infinite, or an exact double."""

    def __init__(self, value):
        self.value = value


class Elementwise:
    """One element: value(bits) is an mpf, sign that of a result that is zero or underflows."""

    def __init__(self, value, sign):
        self.value_at, self.sign = value, sign


class Oracle:
    def __init__(self):
        self.known = {}

    def at(self, what, bits):
        """The value, an mpf or a float that is no number or infinite, with that many bits."""
        if isinstance(what, Elementwise):
            return what.value_at(bits)
        group, place = what
        if (group, bits) not in self.known:
            self.known[group, bits] = group.values(bits)
        return self.known[group, bits][place]

    def settle(self, fmt, what):
        """The rounded value, and the value with its error; zeros of groups have no sign."""
        if isinstance(what, Decided):
            return rounded_double(fmt, what.value), what.value, 0
        sign = what.sign if isinstance(what, Elementwise) else 0.0
        for bits in PRECISIONS:
            coarse, fine = self.at(what, bits), self.at(what, 2 * bits + 100)
            if isinstance(fine, float):
                return fine, fine, 0
            if fine == 0 and bits < EXACT_FROM:  # or all digits cancelled
                continue
            with mp.workprec(4 * bits + 2000):
                error = 4 * abs(fine - coarse) + abs(fine) * mpf(2) ** (20 - bits)
                if bits >= EXACT_FROM and abs(fine) + error < mpf(2) ** -1000:
                    return math.copysign(0.0, sign), mpf(0), 0  # all but the sign is lost in digits that cancel
                if bits >= EXACT_FROM and fine == coarse:
                    error = mpf(0)
                low, high = round_to(fmt, fine - error, sign), round_to(fmt, fine + error, sign)
            if low == high and (low != 0 or not isinstance(what, Elementwise) or fine == 0
                                or math.copysign(1, low) == math.copysign(1, high)):
                return low, fine, error
        raise ArithmeticError(f"undecided at {PRECISIONS[-1]} bits")
