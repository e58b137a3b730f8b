"""Embedding and its gradients, as products of one-hot rows with matrices."""

import math

from mpmath import mp, mpf


class Sums:
    """Elements that are sums of floats."""

    def __init__(self, terms):
        self.terms = terms

    def values(self, bits):
        return [self.sum(each, bits) for each in self.terms]

    @staticmethod
    def sum(terms, bits):
        if not all(math.isfinite(x) for x in terms):
            return sum(terms)
        with mp.workprec(bits):
            return mp.fsum(mpf(x) for x in terms)


def forward(tensors, length, width, tokens, positions):
    """Of each element of x its two terms, or NaN."""
    lengths = tensors.get("lengths")
    for k, token in enumerate(tensors["ids"]):
        place = k % length + (lengths[k // length] if lengths else 0)
        for c in range(width):
            if 0 <= token < tokens and 0 <= place < positions:
                yield [tensors["tokens"][token * width + c], tensors["positions"][place * width + c]]
            else:
                yield [math.nan]


def backward(dx, width, rows, is_in_row):
    """Of each element of a table's gradient those of dx whose one-hot rows have a 1 there."""
    for row in range(rows):
        for c in range(width):
            yield [dx[k * width + c] for k in range(len(dx) // width) if is_in_row(k, row)]


def expected(case, output, tensors):
    """Pairs of an index and (sums, place in them)."""
    length, tokens, positions, width = (int(case.shape[key]) for key in ("t", "v", "positions", "c"))
    if case.direction == "fwd":
        terms = forward(tensors, length, width, tokens, positions)
    elif output == "dtokens":
        terms = backward(tensors["dx"], width, tokens, lambda k, row: tensors["ids"][k] == row)
    else:
        terms = backward(tensors["dx"], width, positions, lambda k, row: k % length == row)
    sums = Sums(list(terms))
    for at in range(len(sums.terms)):
        yield at, (sums, at)
