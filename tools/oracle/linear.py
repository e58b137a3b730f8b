"""Linear layers and their gradients: sums of products, and what follows them, as mpmath has them."""

import math

from activations import FUNCTIONS
from mpmath import mp, mpf

FAR = 60  # from here on a GELU is x, or 0, and next to nothing: less than 2^-2000 of it


def rows_of(flat, width):
    return [flat[at:at + width] for at in range(0, len(flat), width)] if width else []


def sum_of(terms):
    """An mpf, exactly; or a float where a term is no number, or infinite."""
    beyond = [float(t) for t in terms if not mp.isfinite(t)]
    if beyond:
        return sum(beyond)
    with mp.workprec(1200):  # products of two numbers of fp32 and their sums have fewer bits
        return mp.fsum(terms)


def product_of(a, b):
    if not (math.isfinite(a) and math.isfinite(b)):
        return a * b
    with mp.workprec(100):
        return mpf(a) * mpf(b)


class Sum:
    """One sum of products, plus what is added to it."""

    def __init__(self, left, right, more=()):
        self.terms = [product_of(a, b) for a, b in zip(left, right)] + [mpf(x) if math.isfinite(x) else x for x in more]

    def values(self, bits):
        return [sum_of(self.terms)]


class Gelu:
    """A GELU of one."""

    def __init__(self, form, of):
        self.form, self.of = form, of

    def values(self, bits):
        [x] = self.of.values(bits)
        if isinstance(x, float) and math.isnan(x):
            return [x]
        if mp.isinf(x):
            return [math.inf if x > 0 else 0.0]
        if x == 0:
            return [mpf(0)]
        if abs(x) > FAR:
            with mp.workprec(4000):
                return [x * (1 - mpf(2) ** -2000) if x > 0 else -mpf(2) ** -2000]
        with mp.workprec(2 * bits + 1300):
            return [FUNCTIONS["gelu." + self.form](x, mpf(1))]


def expected(case, output, tensors):
    """Pairs of an index and (group, place in it)."""
    inner, outer = int(case.shape["in"]), int(case.shape["out"])
    turned = case.variant in ("out_in", "tied")
    x, w = rows_of(tensors["x"], inner), rows_of(tensors["w"], inner if turned else outer)
    by_output = w if turned else list(zip(*w))  # the weights of each output
    if case.direction == "bwd":
        sums = gradient(output, x, by_output, rows_of(tensors["dy"], outer), turned)
    else:
        sums = []
        for i, row in enumerate(x):
            for n, weights in enumerate(by_output):
                more = [tensors["b"][n]] if "b" in tensors else []
                more += [tensors["r"][i * outer + n]] if "r" in tensors else []
                sums.append(Sum(row, weights, more))
        if output == "y" and case.variant.startswith("gelu_"):
            sums = [Gelu(case.variant[len("gelu_"):], each) for each in sums]
    for i, each in enumerate(sums):
        yield i, (each, 0)


def gradient(output, x, by_output, dy, turned):
    if output == "dx":
        by_input = list(zip(*by_output))
        return [Sum(row, weights) for row in dy for weights in by_input]
    of_outputs = list(zip(*dy))
    if output == "db":
        return [Sum([], [], column) for column in of_outputs]
    of_inputs = list(zip(*x))
    if turned:
        return [Sum(b, a) for b in of_outputs for a in of_inputs]
    return [Sum(a, b) for a in of_inputs for b in of_outputs]
