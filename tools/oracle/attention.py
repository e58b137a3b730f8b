"""Attention, query by query: scores, their exponentials, the weighted mean of the values, as mpmath has them."""

import math

import attention_gradient
from mpmath import mp, mpf


class Query:
    """One query of one head: its output's elements, and behind them its log-sum-exp."""

    def __init__(self, q, keys, values, scale, biases=None):
        self.q, self.keys, self.columns, self.scale = q, keys, list(zip(*values)), scale
        self.biases = biases or [0.0] * len(keys)

    def values(self, bits):
        finite = all(math.isfinite(x) for row in [self.q, self.biases] + self.keys for x in row)
        if not finite:
            return self.beyond_numbers()
        with mp.workprec(bits):
            scale = mpf(self.scale) if self.scale else 1 / mp.sqrt(len(self.q))
            with mp.extraprec(400):  # sums of products of 24 bits each are exact
                scores = [scale * mp.fsum(mpf(a) * mpf(b) for a, b in zip(self.q, key)) + mpf(bias)
                          for key, bias in zip(self.keys, self.biases)]
            if not scores:
                return [mpf(0)] * len(self.q) + [-math.inf]
            most = max(scores)
            powers = [mp.exp(score - most) for score in scores]
            total = mp.fsum(powers)
            outputs = [self.mean(powers, total, d) for d in range(len(self.q))]
            with mp.extraprec(300):  # the largest score and the logarithm may nearly cancel
                return outputs + [most + mp.log(total)]

    def mean(self, powers, total, d):
        column = self.columns[d]
        if not all(math.isfinite(v) for v in column):
            return sum(v for v in column if not math.isfinite(v))
        if all(v == column[0] for v in column):
            return mpf(column[0])
        with mp.extraprec(400):
            return mp.fsum(power * mpf(v) for power, v in zip(powers, column)) / total

    def beyond_numbers(self):
        """Scores of NaN or +infinity make all of it NaN; those of -infinity are not there."""
        scores = [sum(a * b for a, b in zip(self.q, key)) + bias for key, bias in zip(self.keys, self.biases)]
        if any(math.isnan(s) or s == math.inf for s in scores):
            return [math.nan] * (len(self.q) + 1)
        live = [j for j, s in enumerate(scores) if s != -math.inf]
        rest = Query([x if math.isfinite(x) else 0.0 for x in self.q], [[0.0 if not math.isfinite(x) else x for x in self.keys[j]] for j in live],
                     [[column[j] for column in self.columns] for j in live], self.scale,
                     [self.biases[j] for j in live])
        return rest.values(400)


def added(case, tensors, i, h, g, j, keys):
    """What the score of a pair is given; -infinity: the pair is not there."""
    queries, group = (int(case.shape[key]) for key in ("q", "group"))
    if case.variant == "alibi":
        return -tensors["slopes"][h * group + g] * (i + keys - queries - j)
    if case.variant == "bias":
        return tensors["bias"][((h * group + g) * queries + i) * keys + j]
    if case.variant == "blocks":
        return 0.0 if tensors["live"][i // 64 * -(-keys // 64) + j // 64] else -math.inf
    return 0.0


def seen(case, tensors, b, i, h, g, keys):
    """The keys that are there for a query, and what is added to their scores."""
    queries = int(case.shape["q"])
    pairs = [(j, added(case, tensors, i, h, g, j, keys)) for j in positions(case, tensors, b, i, queries, keys)]
    return [pair for pair in pairs if pair[1] != -math.inf]


def positions(case, tensors, batch, i, queries, keys):
    if case.variant in ("decode", "paged"):
        keys = min(max(int(tensors["lengths"][batch]), 0), keys)
        return range(max(0, keys - queries + i + 1))
    own = i + keys - queries
    first, last = 0, keys
    if case.variant in ("causal", "alibi") or (case.variant == "blocks" and case.shape.get("causal")):
        last = own + 1
    if case.variant == "window":
        first, last = own - int(case.parameter("left")), own + int(case.parameter("right")) + 1
    if case.variant == "padding":
        last = int(tensors["lengths"][batch])
    return range(max(first, 0), min(max(last, 0), keys))


def rows(case, tensors, query_of):
    """Every query, in the order of q: its batch, place, head, group, and query_of(itself, the keys it sees, their values,
    what is added to their scores)."""
    batches, queries, heads, group, width = (int(case.shape[key]) for key in ("batch", "q", "heads", "group", "d"))
    paged = case.variant == "paged"
    page, pages, slots = (int(case.shape[key]) if paged else 0 for key in ("page", "pages", "slots"))
    keys = page * slots if paged else int(case.shape["k"])

    def row(name, at):
        if at < 0:
            return [math.nan] * width
        return tensors[name][at * width:(at + 1) * width]

    def place(b, j, h):
        if not paged:
            return (b * keys + j) * heads + h
        entry = int(tensors["table"][b * slots + j // page])
        return (entry * page + j % page) * heads + h if 0 <= entry < pages else -1

    at = 0
    for b in range(batches):
        for i in range(queries):
            for h in range(heads):
                for g in range(group):
                    pairs = seen(case, tensors, b, i, h, g, keys)
                    places = [place(b, j, h) for j, _ in pairs]
                    yield b, i, h, g, query_of(row("q", at), [row("k", p) for p in places],
                                               [row("v", p) for p in places], [bias for _, bias in pairs])
                    at += 1


def expected(case, output, tensors):
    """Pairs of an index and (query, place in it)."""
    if case.direction == "bwd":
        keys = int(case.shape["k"])
        yield from attention_gradient.expected(case, output, tensors,
                                               lambda b, i, h, g: seen(case, tensors, b, i, h, g, keys))
        return
    queries, heads, group, width = (int(case.shape[key]) for key in ("q", "heads", "group", "d"))
    scale = case.parameter("scale") if case.shape.get("scale") else 0
    queries_of = rows(case, tensors, lambda q, keys, values, biases: Query(q, keys, values, scale, biases))
    for at, (b, i, h, g, query) in enumerate(queries_of):
        if output == "lse":
            yield ((b * heads + h) * group + g) * queries + i, (query, width)
        else:
            for d in range(width):
                yield at * width + d, (query, d)
