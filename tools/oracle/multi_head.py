"""Multi-head attention, batch by batch: projections, heads, their joined outputs, the last projection, as mpmath has them."""

import math

from mpmath import mp, mpf


def linear(rows, weights, bias):
    """x W + b, row by row; numbers of mpf, or floats where one of them is no number or infinite."""
    columns = list(zip(*weights))
    return [[dot(row, column) + b for column, b in zip(columns, bias)] for row in rows]


def dot(a, b):
    return mp.fsum(x * y for x, y in zip(a, b))


class Batch:
    """One batch: the elements of y, row by row."""

    def __init__(self, x, w_qkv, b_qkv, w_out, b_out, heads, causal):
        self.x, self.qkv, self.out, self.heads, self.causal = x, (w_qkv, b_qkv), (w_out, b_out), heads, causal

    def values(self, bits):
        everything = [self.x, self.qkv[0], [self.qkv[1]], self.out[0], [self.out[1]]]
        if not all(math.isfinite(value) for rows in everything for row in rows for value in row):
            return self.beyond_numbers(bits)
        with mp.workprec(bits + 900):  # sums of products of three numbers of 24 bits are exact
            x, w_qkv, [b_qkv], w_out, [b_out] = ([[mpf(v) for v in row] for row in rows] for rows in everything)
            qkv = linear(x, w_qkv, b_qkv)
            joined = [self.attend(qkv, i) for i in range(len(x))]
            return [value for row in linear(joined, w_out, b_out) for value in row]

    def attend(self, qkv, i):
        """The joined heads of one token."""
        channels = len(self.x[0])
        width, seen = channels // self.heads, i + 1 if self.causal else len(qkv)
        joined = []
        for first in range(0, channels, width):
            q = qkv[i][first:first + width]
            scores = [dot(q, qkv[j][channels + first:channels + first + width]) / mp.sqrt(width) for j in range(seen)]
            most = max(scores)
            powers = [mp.exp(score - most) for score in scores]
            for d in range(2 * channels + first, 2 * channels + first + width):
                column = [qkv[j][d] for j in range(seen)]
                alike = all(v == column[0] for v in column)
                joined.append(column[0] if alike else dot(powers, column) / mp.fsum(powers))
        return joined

    def beyond_numbers(self, bits):
        """By rows: one that sees a NaN, or infinite scores of both signs, is NaN; the rest by doubles, which
        have infinities and NaNs as the formulas do, and no others."""
        channels = len(self.x[0])
        qkv = plain_linear(self.x, *self.qkv)
        joined = []
        for i in range(len(self.x)):
            width, seen = channels // self.heads, i + 1 if self.causal else len(qkv)
            row = []
            for first in range(0, channels, width):
                q = qkv[i][first:first + width]
                keys = [qkv[j][channels + first:channels + first + width] for j in range(seen)]
                values = [qkv[j][2 * channels + first:2 * channels + first + width] for j in range(seen)]
                row += mean(q, keys, values, bits)
            joined.append(row)
        return [value for row in plain_linear(joined, *self.out) for value in row]


def plain_linear(rows, weights, bias):
    """Of floats and mpf, where an infinity or a NaN goes its way."""
    columns = list(zip(*weights))
    return [[plain_sum([a * b for a, b in zip(row, column)] + [c]) for column, c in zip(columns, bias)] for row in rows]


def plain_sum(terms):
    beyond = [float(t) for t in terms if not mp.isfinite(t)]
    return sum(beyond) if beyond else mp.fsum(mpf(t) for t in terms)


def mean(q, keys, values, bits):
    scores = [plain_sum([a * b for a, b in zip(q, key)]) for key in keys]
    if any(mp.isnan(s) or s == mp.inf for s in scores):
        return [math.nan] * len(q)
    live = [j for j, s in enumerate(scores) if s != -mp.inf]
    if not live:
        return [mpf(0)] * len(q)
    with mp.workprec(bits + 900):
        most = max(scores[j] for j in live)
        powers = [mp.exp((scores[j] - most) / mp.sqrt(len(q))) for j in live]
        total = mp.fsum(powers)
        return [plain_sum([power * values[j][d] / total for power, j in zip(powers, live)]) for d in range(len(q))]


def expected(case, output, tensors):
    """Pairs of an index and (batch, place in it)."""
    batches, tokens, channels = (int(case.shape[key]) for key in ("batch", "t", "c"))

    def matrix(name, width, first=0, rows=None):
        flat = tensors[name]
        rows = len(flat) // width if rows is None else rows
        return [flat[at * width:(at + 1) * width] for at in range(first, first + rows)]

    weights = (matrix("w_qkv", 3 * channels), tensors["b_qkv"], matrix("w_out", channels), tensors["b_out"])
    for b in range(batches):
        batch = Batch(matrix("x", channels, b * tokens, tokens), *weights, int(case.parameter("heads")),
                      case.variant == "causal")
        for place in range(tokens * channels):
            yield b * tokens * channels + place, (batch, place)
