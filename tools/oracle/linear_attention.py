"""Linear attention, query by query: features, the weights of the pairs, the weighted mean of the values, as mpmath has them."""

import math

import attention
from mpmath import mp, mpf


def feature(x):
    """elu(x) + 1 of a double that is neither NaN nor +infinity."""
    if x == -math.inf:
        return mpf(0)
    return mpf(x) + 1 if x > 0 else mp.exp(mpf(x))


class Query(attention.Query):
    """One query of one head: its output's elements."""

    def __init__(self, q, keys, values, biases=None):
        super().__init__(q, keys, values, 0)

    def values(self, bits):
        if self.keys and any(math.isnan(x) or x == math.inf for row in [self.q] + self.keys for x in row):
            return [math.nan] * len(self.q)
        with mp.workprec(bits):
            query = [feature(x) for x in self.q]
            weights = [sum((a * feature(x) for a, x in zip(query, key)), mpf(0)) for key in self.keys]
            live = [j for j, weight in enumerate(weights) if weight > 0]
            if not live:
                return [mpf(0)] * len(self.q)
            seen = Query(self.q, [self.keys[j] for j in live], [[column[j] for column in self.columns] for j in live])
            powers = [weights[j] for j in live]
            total = sum(powers, mpf(0))
            return [seen.mean(powers, total, d) for d in range(len(self.q))]


def expected(case, output, tensors):
    """Pairs of an index and (query, place in it)."""
    width = int(case.shape["d"])
    for at, (*_, query) in enumerate(attention.rows(case, tensors, Query)):
        for d in range(width):
            yield at * width + d, (query, d)
