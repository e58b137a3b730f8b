"""The next token from rows of logits: shares of a row in many digits, and Philox 4x32-10 with Python's integers."""

import math
from fractions import Fraction

from mpmath import mp, mpf
from settled import Decided

BITS = 1000  # of e^x; equal logits have weights of 1, whose sums are exact


def philox(counter, key):
    """Salmon, Moraes, Dror, Shaw, SC 2011: ten rounds, a key that grows from round to round."""
    c, k = list(counter), list(key)
    for _ in range(10):
        left, right = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [(right >> 32) ^ c[1] ^ k[0], right % 2**32, (left >> 32) ^ c[3] ^ k[1], left % 2**32]
        k = [(k[0] + 0x9E3779B9) % 2**32, (k[1] + 0xBB67AE85) % 2**32]
    return c


def uniform(seed, sequence, position):
    """53 bits: 27 of the first word, 26 of the second."""
    words = philox((position % 2**32, 0, sequence % 2**32, 0), (seed % 2**32, seed >> 32))
    return Fraction(words[0] >> 5) / 2**27 + Fraction(words[1] >> 6) / 2**53


def numbers(case, tensors, rows):
    """What draws each row's token: a Fraction, or None where it is none."""
    if case.variant == "next":
        seed = int(case.shape.get("seed", 0))
        return [uniform(seed, int(s), int(p)) for s, p in zip(tensors["sequences"], tensors["positions"])]
    if case.variant == "draw":
        return [Fraction(u) if 0 <= u < 1 else None for u in tensors["u"]]
    return [Fraction(0)] * rows


def drawn(row, u, temperature, top_k, top_p):
    """One sort, largest first, equal ones as they stand; a walk down it, and one along the row."""
    by_size = sorted(range(len(row)), key=lambda j: (-row[j], j))
    if top_k:
        least = row[by_size[min(top_k, len(row)) - 1]]
        by_size = [j for j in by_size if row[j] >= least]
    with mp.workprec(BITS):
        most = mpf(row[by_size[0]])
        weight = {j: mp.exp((mpf(row[j]) - most) / mpf(temperature)) for j in by_size if row[j] != -math.inf}
        needed, share, kept = mpf(top_p) * mp.fsum(weight.values()), mpf(0), []
        for j in weight:
            kept.append(j)
            share += weight[j]
            if top_p < 1 and share >= needed:
                break
        wanted = mp.fsum(weight[j] for j in kept) * u.numerator / u.denominator
        share = mpf(0)
        for j in sorted(kept):
            share += weight[j]
            if share > wanted:
                return j
    raise ArithmeticError("a sum of weights does not exceed a part of itself")


def expected(case, output, tensors):
    """Pairs of a row and its token."""
    columns, rows = int(case.shape["v"]), int(case.shape["rows"])
    for r, u in enumerate(numbers(case, tensors, rows)):
        row = tensors["logits"][r * columns:(r + 1) * columns]
        wild = any(math.isnan(x) or x == math.inf for x in row) or all(x == -math.inf for x in row)
        if wild or u is None:
            yield r, Decided(-1.0)
        elif case.variant == "greedy" or case.parameter("temperature") == 0:
            yield r, Decided(float(row.index(max(row))))
        else:
            yield r, Decided(float(drawn(row, u, case.parameter("temperature"), int(case.shape.get("top_k", 0)),
                                         case.parameter("top_p"))))
