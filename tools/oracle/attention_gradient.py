"""Gradients of attention from its log-sum-exps, head by head of the keys, as mpmath has them."""

import math

from mpmath import mp, mpf


def product(x, y):
    return sum((a * b for a, b in zip(x, y)), mpf(0))


def told(value):
    """What is no number, or infinite, as a float."""
    return value if mp.isfinite(value) else float(value)


class Head:
    """The rows of queries that share a head of keys: (q, o, do, lse, keys seen with biases) each."""

    def __init__(self, rows, keys, values, scale, width):
        self.rows, self.keys, self.columns, self.scale, self.width = rows, keys, values, scale, width

    def values(self, bits):
        """All of dq, then dk, then dv."""
        with mp.workprec(bits + 1000):  # sums of products of 24 bits each are exact
            keys, values = ([[mpf(x) for x in row] for row in rows] for rows in (self.keys, self.columns))
            dq = [[mpf(0)] * self.width for _ in self.rows]
            dk, dv = ([[mpf(0)] * self.width for _ in self.keys] for _ in range(2))
            with mp.workprec(bits):
                scale = mpf(self.scale) if self.scale else 1 / mp.sqrt(self.width)
            for (q, o, do, lse, seen), to_query in zip(self.rows, dq):
                if lse == -math.inf:
                    continue
                q, o, do = ([mpf(x) for x in row] for row in (q, o, do))
                for j, bias in seen:
                    score = scale * product(q, keys[j]) + mpf(bias)
                    if score == -mp.inf:
                        continue
                    with mp.workprec(bits):
                        weight = mp.exp(score - mpf(lse))
                    # The derivative of sum do.o in the score: p_j (v_j - o) do.
                    slope = weight * (product(do, values[j]) - product(do, o))
                    for d in range(self.width):
                        to_query[d] += slope * keys[j][d]
                        dk[j][d] += slope * q[d]
                        dv[j][d] += weight * do[d]
            scaled = [told(scale * x) for rows in (dq, dk) for row in rows for x in row]
            return scaled + [told(x) for row in dv for x in row]


def heads(case, tensors, seen):
    """Every head of keys: its batch and number, and what it is. seen(batch, query, head, group): indices of keys, and biases."""
    batches, queries, keys, count, group, width = (int(case.shape[key]) for key in
                                                   ("batch", "q", "k", "heads", "group", "d"))
    scale = case.parameter("scale") if case.shape.get("scale") else 0

    def row(name, at):
        return tensors[name][at * width:(at + 1) * width]

    for b in range(batches):
        for h in range(count):
            rows = []
            for g in range(group):
                for i in range(queries):
                    at = ((b * queries + i) * count + h) * group + g
                    lse = tensors["lse"][((b * count + h) * group + g) * queries + i]
                    rows.append((row("q", at), row("o", at), row("do", at), lse, seen(b, i, h, g)))
            places = [(b * keys + j) * count + h for j in range(keys)]
            yield b, h, Head(rows, [row("k", p) for p in places], [row("v", p) for p in places], scale, width)


def expected(case, output, tensors, seen):
    """Pairs of an index and (head, place in it)."""
    queries, keys, count, group, width = (int(case.shape[key]) for key in ("q", "k", "heads", "group", "d"))
    for b, h, head in heads(case, tensors, seen):
        before = {"dq": 0, "dk": len(head.rows), "dv": len(head.rows) + keys}[output]
        for r in range(len(head.rows) if output == "dq" else keys):
            g, i = divmod(r, queries) if output == "dq" else (0, 0)
            row = ((b * queries + i) * count + h) * group + g if output == "dq" else (b * keys + r) * count + h
            for d in range(width):
                yield row * width + d, (head, (before + r) * width + d)
