#!/usr/bin/python3
"""Tables of the 16-bit routines, by linear programming.

    rounding_intervals FUNCTION TYPE > FILE      (rounding_intervals.cpp: the ties around each result)
    intervals.py FOLDER [ROUTINE...]             FOLDER holds FUNCTION_TYPE.txt; prints start tables
    intervals.py FOLDER | tune > tables.txt      polished: what the headers hold

A result rounds correctly while it lies between the ties around the correct one, so a table need not be
near the function but inside these intervals (RLibm: Lim and Nagarakatte, PLDI 2021). A routine's result
is smooth in its coefficients: linearised around a start, the largest margin, in units of the noise that
evaluation in floats adds, is a linear program. A few rounds, in a trust region, solve it.

Needs numpy, scipy, and mpmath for the starts.
"""
import sys
from functools import lru_cache
from pathlib import Path

import mpmath as mp
import numpy as np
from scipy.optimize import linprog

from minimax import fit

LOG2_E, ERF_ROOT = float(1 / mp.log(2)), 0.75179152469356445746
SLOPE, CUBIC = float(2 * mp.sqrt(2 / mp.pi)), 0.044715
BELOW_HALF = {"bf16": float.fromhex("0x1.fffdfep-1"), "fp16": float.fromhex("0x1.fffffep-1")}


# --- the routines in real arithmetic ----------------------------------------------------------------

def horner(x, c):
    y = np.full_like(x, c[-1])
    for a in c[-2::-1]:
        y = y * x + a
    return y


def power(exponent, c):
    k = np.rint(exponent)
    return horner(exponent - k, c) * 2.0 ** k


def folded(x, v, derivative):
    return np.where(x < 0, v, 1 - v) if derivative else np.maximum(x, 0) - v


def gelu_erf(z_size, derivative):
    def f(x, c):
        t = np.abs(x)
        q = power(-t * horner(t, c[:z_size]), c[z_size:])
        return folded(x, ((ERF_ROOT - t) if derivative else t) * q, derivative)
    return f


def gate(tanh, derivative, reciprocal_size=0):
    a, b = (SLOPE, SLOPE * CUBIC) if tanh else (1.0, 0.0)

    def f(x, c):
        t = np.abs(x)
        size = len(c) - reciprocal_size
        e = power(-t * (a + b * t * t) * LOG2_E, c[:size])
        w = horner(e, c[size:]) if reciprocal_size else 1 / (1 + e)
        v = e * (1 - t * (a + 3 * b * t * t) + e) * w * w if derivative else t * e * w
        return folded(x, v, derivative)
    return f


def mish(derivative):
    def f(x, c):
        t, negative = np.abs(x), x < 0
        e = power(-t * LOG2_E, c)
        h = np.where(negative, e / 2, e)
        d = 1 + 2 * h * (1 + h)
        if not derivative:
            return folded(x, t * e * np.where(negative, h + 1, 2 * h) / d, False)
        g, j = np.where(negative, 1 + h, h), np.where(negative, 1 + 2 * h, d - 1)
        return folded(x, 2 * h * (g * d - t * j) / d ** 2, True)
    return f


# --- starts -----------------------------------------------------------------------------------------

@lru_cache(None)
def power_start(degree):
    bound = mp.mpf("0.5002")
    p = fit(lambda f: mp.mpf(2) ** f, (-bound, bound), degree, weight=lambda f: mp.mpf(2) ** -f)
    return [float(c) for c in p.coefficients]


def exponent_start(type_name, degree, last, derivative):
    phi0, root = 1 / mp.sqrt(2 * mp.pi), mp.mpf("0.75179152469356445746")

    def q(t):
        p = mp.erfc(t / mp.sqrt(2)) / 2
        return (p - t * phi0 * mp.exp(-t * t / 2)) / (root - t) if derivative else p
    at_0 = q(mp.mpf(0))

    def weight(t):  # relative to the result; in fp16, to its least normal number where that is larger
        size = abs(q(t) * ((root - t) if derivative else t)) * 2 ** 14
        least = mp.mpf(2) ** -10 if derivative else 0
        return t * mp.log(2) * (max(min(mp.mpf(1), size), least) if type_name == "fp16" else 1)
    p = fit(lambda t: -mp.log(q(t) / at_0) / mp.log(2) / t, ("1e-5", last), degree, weight=weight,
            grid=200, floats=False)
    return [float(c) for c in p.coefficients], float(at_0)


def reciprocal_start(degree):
    p = fit(lambda e: 1 / (1 + e), (0, 1), degree, weight=lambda e: 1 + e)
    return [float(c) for c in p.coefficients]


# --- the linear program -----------------------------------------------------------------------------

def widest(model, start, rows, fixed=(), rounds=12, cap=8.0, trust=30000.0):
    x, low, high, truth = rows
    noise = 2.0 ** -23 * np.abs(truth) * 0.75 * (1 + 0.25 * np.abs(np.log2(np.abs(truth))))
    noise = np.minimum(noise, (high - low) / 20)
    c, free = np.array(start, float), [j for j in range(len(start)) if j not in fixed]

    def margin(at):
        y = model(x, at)
        return np.minimum(high - y, y - low) / noise
    best = margin(c).min()
    for _ in range(rounds):
        y, columns = model(x, c), []
        for j in free:
            up, down = c.copy(), c.copy()
            up[j] *= 1 + 1e-6
            down[j] *= 1 - 1e-6
            columns.append((model(x, up) - model(x, down)) / 2e-6 / noise)
        table, near = np.array(columns).T, margin(c) < 2 * trust
        scale = np.abs(table).max(0)
        table, one = (table / scale)[near], np.ones((near.sum(), 1))
        solved = linprog(np.r_[np.zeros(len(free)), -1],
                         A_ub=np.vstack([np.hstack([table, one]), np.hstack([-table, one])]),
                         b_ub=np.r_[((high - y) / noise)[near], ((y - low) / noise)[near]],
                         bounds=[(-100 * trust, 100 * trust)] * len(free) + [(None, cap)], method="highs")
        if solved.status:
            break
        moved = c.copy()
        moved[free] *= 1 + solved.x[:-1] / scale
        if margin(moved).min() > best:
            c, best = moved, margin(moved).min()
        else:
            trust /= 8
        if best > 0.98 * cap:
            break
    return c, best


def inputs(folder, function, type_name, least, last):
    x, low, high, truth = np.loadtxt(folder / f"{function}_{type_name}.txt").T
    if "derivative" in function and type_name == "fp16":  # still to be multiplied by up to 2^16
        far = np.abs(truth) < 2.0 ** -14
        low = np.where(far, truth - 2.0 ** -13 * np.abs(truth), low)
        high = np.where(far, truth + 2.0 ** -13 * np.abs(truth), high)
    chosen = (np.abs(x) >= least) & (np.abs(x) <= last)
    return x[chosen], low[chosen], high[chosen], truth[chosen]


# --- the tables -------------------------------------------------------------------------------------

def erf_table(type_name, derivative):
    degree, powers, last, end = {("bf16", False): (7, 4, "13.3", 13.2), ("fp16", False): (8, 5, "5.6", 5.4),
                                 ("bf16", True): (9, 4, "13.5", 13.4),
                                 ("fp16", True): (9, 5, "8", 7.9)}[type_name, derivative]
    z, at_0 = exponent_start(type_name, degree, last, derivative)
    start = z + [at_0 * c for c in power_start(powers)]
    if not derivative:
        start[degree + 1] = BELOW_HALF[type_name] / 2
    scaled = range(degree + 1, len(start)) if type_name == "bf16" or derivative else ()
    return gelu_erf(degree + 1, derivative), start, end, scaled, () if derivative else (degree + 1,)


def gate_table(function, type_name, derivative):
    tanh = function == "gelu_tanh"
    end = {("gelu_tanh", "bf16"): 10.5, ("gelu_tanh", "fp16"): 5.3,
           ("silu", "bf16"): 92.0, ("silu", "fp16"): 20.0}[function, type_name]
    short = tanh and type_name == "bf16" and not derivative
    start = power_start(4 if short else 5)
    if not derivative:
        start[0] = BELOW_HALF["bf16" if short else "fp16"]
    scaled = range(len(start)) if type_name == "bf16" or derivative else ()
    start += reciprocal_start(6) if short else []
    return gate(tanh, derivative, 7 if short else 0), start, end, scaled, () if derivative else (0,)


def mish_table(type_name, derivative):
    start = power_start(4 if type_name == "bf16" else 5)
    return mish(derivative), start, 92.0 if type_name == "bf16" else 20.0, range(len(start)), ()


def table(function, type_name, derivative):
    if function == "gelu_erf":
        return erf_table(type_name, derivative)
    if function == "mish":
        return mish_table(type_name, derivative)
    return gate_table(function, type_name, derivative)


def main(arguments):
    if not arguments:
        sys.exit("intervals.py FOLDER [ROUTINE...]")
    for function in ("gelu_erf", "gelu_tanh", "silu", "mish"):
        for derivative in (False, True):
            for type_name in ("bf16", "fp16"):
                truth = function + ("_derivative" if derivative else "")
                name = f"{truth}_{type_name}"
                if arguments[1:] and name not in arguments[1:]:
                    continue
                model, start, last, scaled, fixed = table(function, type_name, derivative)
                least = 2.0 ** ((-9 if derivative else -11) if type_name == "bf16" else (-12 if derivative else -13))
                rows = inputs(Path(arguments[0]), truth, type_name, least, last)
                c, margin = widest(model, start, rows, fixed)
                print(f"{name}: margin {margin:.3f}", file=sys.stderr)
                c = [v * 2.0 ** 64 if i in scaled else v for i, v in enumerate(c)]
                print(name, *(float(v).hex() for v in c), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
