"""Minimax polynomials with coefficients that are floats.

    fit(f, interval, degree, weight, fixed) -> polynomial

minimises max |p(x) - f(x)| weight(x) over the interval: the Remez exchange in 40 digits for real
coefficients (Cheney, Introduction to Approximation Theory, chapter 3), then coefficient by
coefficient, from the constant up, the nearest float is taken and the others are fitted again
around it, then single coefficients move by a few units in the last place as long as the error
shrinks.
"""
from dataclasses import dataclass

import mpmath as mp
import numpy as np

mp.mp.dps = 40


def to_float(x):
    """The float nearest to x (normal range), as an mpf."""
    mantissa, exponent = mp.frexp(mp.mpf(x))
    return mp.ldexp(mp.nint(mp.ldexp(mantissa, 24)), exponent - 24)


def hex_float(x):
    """x, which must be a float, as a C++ literal."""
    mantissa, _, exponent = float(x).hex().partition("p")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    return f"{mantissa}p{exponent}f"


@dataclass
class polynomial:
    coefficients: list  # ascending powers, floats (real numbers where fit(floats=False) was asked)
    error: float        # weighted maximum with these coefficients
    real_error: float   # and with the best real ones


def _alternation(error, count):
    """Indices of `count` extrema of alternating sign, the largest at hand."""
    picked = []
    for i, e in enumerate(error):
        if picked and (error[picked[-1]] > 0) == (e > 0):
            if abs(e) > abs(error[picked[-1]]):
                picked[-1] = i
        else:
            picked.append(i)
    while len(picked) > count:
        if len(picked) == count + 1:
            picked.pop(0 if abs(error[picked[0]]) < abs(error[picked[-1]]) else -1)
        else:
            weakest = min(range(len(picked) - 1),
                          key=lambda j: max(abs(error[picked[j]]), abs(error[picked[j + 1]])))
            del picked[weakest:weakest + 2]
    return picked


def _spread(weights, count):
    """`count` distinct grid indices, evenly over the weight, so that none falls where it vanishes."""
    total = np.cumsum([float(w) for w in weights])
    total = (total - total[0]) / (total[-1] - total[0])
    picked = [int(np.searchsorted(total, i / (count - 1))) for i in range(count)]
    for i in range(1, count):
        picked[i] = max(picked[i], picked[i - 1] + 1)
    for i in range(count - 1, -1, -1):
        picked[i] = min(picked[i], len(weights) - count + i)
    return picked


def remez(xs, values, weights, powers, rounds=30):
    """Real coefficients of x^powers minimising the weighted maximum error on the grid xs.

    powers are m, m + 1, ...: the error over x^m is what a polynomial without gaps leaves, and what
    alternates. So for odd m the error's sign is turned where x < 0.
    """
    count = len(powers) + 1
    weights = [-w if powers[0] % 2 and x < 0 else w for x, w in zip(xs, weights)]
    table = [[x ** k for k in powers] for x in xs]
    reference = _spread([abs(w) for w in weights], count)
    best = None
    for _ in range(rounds):
        system, right = mp.matrix(count, count), mp.matrix(count, 1)
        for row, i in enumerate(reference):
            for column in range(count - 1):
                system[row, column] = table[i][column]
            system[row, count - 1] = (-1) ** row / weights[i]
            right[row] = values[i]
        solution = mp.lu_solve(system, right)
        coefficients, level = [solution[i] for i in range(count - 1)], abs(solution[count - 1])
        error = [(mp.fdot(coefficients, line) - value) * weight
                 for line, value, weight in zip(table, values, weights)]
        worst = max(abs(e) for e in error)
        if best is None or worst < best[1]:
            best = coefficients, worst
        reference = _alternation(error, count)
        if worst <= level * (1 + mp.mpf("1e-4")) or len(reference) < count:
            break
    return best


def _polish(coefficients, movable, xs, values, weights):
    """Moves single coefficients by a few units in the last place while the error shrinks."""
    xs, values, weights = (np.array([float(v) for v in a]) for a in (xs, values, weights))
    # In doubles the terms must stay small against the error looked for: take residuals in 40 digits
    # once, and add the movements, which are tiny.
    def measure(residual):
        return np.max(np.abs(residual * weights))

    residual, c = values.copy(), [float(x) for x in coefficients]
    best, moved = measure(residual), True
    while moved:
        moved = False
        for k in movable:
            ulp = float(np.spacing(np.float32(abs(c[k]))))
            for step in (-4, -3, -2, -1, 1, 2, 3, 4):
                trial = residual + step * ulp * xs ** k
                if measure(trial) < best * (1 - 1e-6):
                    best, residual, moved = measure(trial), trial, True
                    c[k] += step * ulp
                    break
    return [to_float(x) for x in c], best


def fit(f, interval, degree, weight=lambda x: 1, fixed=None, grid=None, floats=True):
    low, high = (mp.mpf(v) for v in interval)
    count = grid or 40 * (degree + 2)
    xs = [(low + high) / 2 - (high - low) / 2 * mp.cos(mp.pi * (i + mp.mpf(1) / 2) / count)
          for i in range(count)]
    values, weights = [f(x) for x in xs], [abs(weight(x)) for x in xs]
    held = {k: mp.mpf(v) for k, v in (fixed or {}).items()}

    def solve():
        powers = [k for k in range(degree + 1) if k not in held]
        rest = [v - mp.fsum(c * x ** k for k, c in held.items()) for v, x in zip(values, xs)]
        if not powers:
            return {}, max(abs(r * w) for r, w in zip(rest, weights))
        coefficients, error = remez(xs, rest, weights, powers)
        return dict(zip(powers, coefficients)), error

    free, real_error = solve()
    if not floats:
        return polynomial([free[k] for k in range(degree + 1)], float(real_error), float(real_error))
    movable = sorted(free)
    for k in movable:
        held[k] = to_float(free[k])
        free, _ = solve()
    coefficients = [held[k] for k in range(degree + 1)]
    residuals = [mp.polyval(coefficients[::-1], x) - v for x, v in zip(xs, values)]
    coefficients, error = _polish(coefficients, movable, xs, residuals, weights)
    return polynomial(coefficients, float(error), float(real_error))
