"""Rows of softmax and their gradients: sums of exponentials and the Jacobian, as mpmath has them."""

import math

from mpmath import mp, mpf


class Row:
    """A row of softmax: what is seen of it, and the zeros behind."""

    def __init__(self, logarithm, backward_pass, temperature, x, dy, hidden):
        self.logarithm, self.backward_pass, self.temperature = logarithm, backward_pass, temperature
        self.x, self.dy = x, dy
        self.behind = [-math.inf if logarithm and not backward_pass else 0.0] * hidden

    def values(self, bits):
        with mp.workprec(bits):
            return (self.gradients() if self.backward_pass else self.results()) + self.behind

    def results(self):
        if any(math.isnan(x) or x == math.inf for x in self.x):
            return [math.nan] * len(self.x)
        powers = [mpf(0) if x == -math.inf else mp.exp(mpf(x) / mpf(self.temperature)) for x in self.x]
        if all(power == 0 for power in powers):
            return [-math.inf if self.logarithm else 0.0] * len(self.x)
        total = mp.fsum(powers)
        if not self.logarithm:
            return [power / total for power in powers]
        with mp.extraprec(300):  # the logarithm and the score may nearly cancel
            total = mp.log(mp.fsum(mp.exp(mpf(x)) for x in self.x if x != -math.inf))
            return [-math.inf if x == -math.inf else mpf(x) - total for x in self.x]

    def gradients(self):
        seen = self.x + self.dy
        if any(math.isnan(each) for each in seen) or any(math.isinf(each) for each in self.dy):
            power = [math.exp(x) for x in self.x] if self.logarithm else self.x
            if self.logarithm:
                total = sum(self.dy)
                return [dy - p * total for p, dy in zip(power, self.dy)]
            total = sum(p * dy for p, dy in zip(power, self.dy))
            return [p * (dy - total) / self.temperature for p, dy in zip(power, self.dy)]
        # The Jacobian times dy: of p_j, p_j (delta_jk - p_k) / temperature; of l_j, delta_jk - e^(l_k).
        with mp.extraprec(1000):
            p = [mpf(x) for x in self.x]
            if self.logarithm:
                powers = [mpf(0) if x == -math.inf else mp.exp(mpf(x)) for x in self.x]
                return [mp.fsum((mpf(dy) if j == k else 0) - power * mpf(dy) for k, dy in enumerate(self.dy))
                        for j, power in enumerate(powers)]
            return [mp.fsum(mpf(dy) * p[k] * ((1 if j == k else 0) - p[j]) for k, dy in enumerate(self.dy))
                    / mpf(self.temperature) for j in range(len(p))]


def added(score, mask):
    """A score under a mask that is added: exactly; -inf hides whatever stands there."""
    if mask == -math.inf:
        return mask
    if not math.isfinite(score) or not math.isfinite(mask):
        return score + mask
    with mp.workprec(400):
        return mpf(score) + mpf(mask)


def softmax_rows(case, tensors):
    first = "y" if case.direction == "bwd" else "x"
    scores, gradient = tensors[first], tensors.get("dy", [])
    length, queries = int(case.shape["k" if "k" in case.shape else "n"]), int(case.shape.get("q", 1))
    rows = []
    for row in range(len(scores) // length):
        seen = length
        if case.variant == "causal":
            seen = min(max(row % queries + 1 + length - queries, 0), length)
        if case.variant == "padding":
            seen = min(max(int(tensors["lengths"][row // queries]), 0), length)
        part = slice(row * length, row * length + seen)
        x = scores[part]
        if "mask" in tensors:
            above = row % queries * length
            x = [added(*pair) for pair in zip(x, tensors["mask"][above:above + length])]
        rows.append(Row(case.variant == "log", case.direction == "bwd", case.parameter("temperature"),
                        x, gradient[part], length - seen))
    return rows


def expected(case, output, tensors):
    """Pairs of an index and (row, place in it)."""
    at = 0
    for row in softmax_rows(case, tensors):
        for place in range(len(row.x) + len(row.behind)):
            yield at + place, (row, place)
        at += len(row.x) + len(row.behind)
