#!/usr/bin/python3
"""Derives every polynomial of optimized/math and checks that the headers hold it.

    polynomials.py            prints each polynomial, its error, and where it belongs
    polynomials.py --check    exits 1 if a header does not hold the coefficients derived here, signs
                              included, one after the other in the order printed
    polynomials.py NAME...    only these

Needs mpmath and numpy. Takes about five seconds.
"""
import re
import sys
from functools import lru_cache
from pathlib import Path

import mpmath as mp
import numpy as np

from minimax import fit, hex_float, to_float

MATH = Path(__file__).resolve().parent.parent
ENTRIES = []


def entry(header, comment):
    """Registers a derivation: a function that returns (coefficients, error)."""
    def register(function):
        ENTRIES.append((function.__name__, header, comment, function))
        return function
    return register


def scaled(p, scale=1, ratio=1):
    """The polynomial's coefficients times scale ratio^k (powers of two, so still floats)."""
    return [c * mp.mpf(scale) * mp.mpf(ratio) ** k for k, c in enumerate(p.coefficients)], p.error


# --- exponentials ---------------------------------------------------------------------------------

LN2 = mp.log(2)


@lru_cache(None)
def exponential():
    """(e^r - 1 - r) / r^2 for |r| <= ln2 / 2; error relative to e^r."""
    bound = LN2 / 2 * mp.mpf("1.0002")
    return fit(lambda r: (mp.expm1(r) - r) / r ** 2, (-bound, bound), 4,
               weight=lambda r: r ** 2 * mp.exp(-r))


@entry("arithmetic.cuh", "e^r = 1 + r + r^2 q(r), |r| <= ln2/2")
def exponential_curve():
    return scaled(exponential())


@entry("gelu_erf.cuh", "e^(r/2) = 1 + r/2 + r^2 q(r/2)/4, times 2")
def half_exponential_curve():
    return scaled(exponential(), mp.mpf(1) / 2, mp.mpf(1) / 2)


@entry("arithmetic.cuh", "2^f = 1 + f ln2_high + f q(f), |f| <= 1/2")
def power_of_two_curve():
    high = to_float(LN2)
    bound = mp.mpf("0.5001")
    return scaled(fit(lambda f: mp.expm1(f * LN2) / f - high, (-bound, bound), 5,
                      weight=lambda f: f * mp.exp(-f * LN2)))


# --- GELU, erf form -------------------------------------------------------------------------------

DENSITY_0 = 1 / mp.sqrt(2 * mp.pi)


@lru_cache(None)
def mills(t):
    """R(t) = Phi(-t) e^(t^2/2), smooth: 1/2 at 0, 1/(t sqrt(2 pi)) far out."""
    return mp.erfc(t / mp.sqrt(2)) / 2 * mp.exp(t * t / 2)


def in_quotient(f, c, center, degree, last, scale):
    """f(t) as a polynomial in t/(t + c) - center for 0 <= t <= last, error relative to f.

    The constant comes last, as in the headers, which add it apart from the others."""
    c, center = mp.mpf(c), mp.mpf(center)
    end = last / (last + c)

    def at(y):
        g = y + center
        return f(c * g / (1 - g))
    coefficients, error = scaled(
        fit(at, (-center, end - center), degree, weight=lambda y: 1 / at(y)), scale)
    return coefficients[1:] + coefficients[:1], error


# Beyond 13.1 the result is subnormal, and may lose digits.
LAST = mp.mpf("13.3")


@entry("gelu_erf.cuh", "R(t) (t + 3) 2^29 in g - 0x1.b8p-2")
def gelu_erf_tail():
    return in_quotient(lambda t: mills(t) * (t + 3), 3, "0.4296875", 10, LAST, 2 ** 29)


def root_of(f, near):
    return mp.findroot(f, mp.mpf(near))


@lru_cache(None)
def erf_derivative_root():
    return root_of(lambda t: mills(t) - t * DENSITY_0, "0.75179152469356")


@entry("gelu_erf.cuh", "(R(t) - t phi(0)) / (t - t0) / 2 in g - 0x1.93p-2")
def gelu_erf_derivative_tail():
    t0 = erf_derivative_root()
    return in_quotient(lambda t: (mills(t) - t * DENSITY_0) / (t - t0), "2.46875", "0.3935546875", 9,
                       LAST, mp.mpf(1) / 2)


# --- derivatives near their zero ------------------------------------------------------------------

def near_root(f, root, radius, degree):
    """f as h a1 + p(h), h = x - float(root): the derivative of x sigmoid(u) near its zero.

    f / (x - root) is fitted, with an error relative to f, and the product expanded in h, so that the
    zero stays where it is: a1 is a float, p's linear coefficient what a1 lacks.
    """
    h0 = to_float(root)
    rho = root - h0
    quotient = fit(lambda d: f(root + d) / d,
                   (-mp.mpf(radius), mp.mpf(radius)), degree - 1,
                   weight=lambda d: d / f(root + d), floats=False)
    powers = [mp.mpf(0)] * (degree + 1)  # sum q_k (h - rho)^(k + 1)
    for k, q in enumerate(quotient.coefficients):
        for j in range(k + 2):
            powers[j] += q * mp.binomial(k + 1, j) * (-rho) ** (k + 1 - j)
    a1 = to_float(powers[1])
    floats = [to_float(powers[0]), a1, to_float(powers[1] - a1)] + [to_float(p) for p in powers[2:]]
    return [c * mp.mpf(2) ** 64 for c in floats], quotient.error


def gate_derivative(u, slope):
    """t -> derivative of x sigmoid(u(x)) at x = -t."""
    def f(t):
        e = mp.exp(-u(t))
        return e * (1 + e - t * slope(t)) / (1 + e) ** 2
    return f


@entry("silu.cuh", "a0, a1, a1 low, a2, ...: silu'(-t) 2^64 in t - root")
def silu_derivative_near():
    f = gate_derivative(lambda t: t, lambda t: 1)
    return near_root(f, root_of(lambda t: 1 + mp.exp(-t) - t, "1.278"), "0.125", 5)


SLOPE, CUBIC = 2 * mp.sqrt(2 / mp.pi), mp.mpf("0.044715")


@entry("gelu_tanh.cuh", "a0, a1, a1 low, a2, ...: gelu_tanh'(-t) 2^64 in t - root")
def gelu_tanh_derivative_near():
    f = gate_derivative(lambda t: SLOPE * t * (1 + CUBIC * t * t),
                        lambda t: SLOPE * (1 + 3 * CUBIC * t * t))
    return near_root(f, root_of(f, "0.7525"), "0.0625", 5)


@entry("mish.cuh", "a0, a1, a1 low, a2, ...: mish'(x) 2^64 in x - root")
def mish_derivative_near():
    def f(x):
        e = mp.exp(x)
        d = e * (e + 2) + 2
        return e * (e + 2) / d + 4 * x * e * (1 + e) / d ** 2
    return near_root(f, root_of(f, "-1.1924"), "0.0625", 5)


# --- constants of the gelu_tanh exponent ----------------------------------------------------------

def two_parts(value, bits):
    """value as a multiple of 2^-bits plus a float."""
    high = mp.nint(value * 2 ** bits) / 2 ** bits
    return [high, to_float(value - high)]


def split_line(a, a_bits, b, b_bits):
    """A + B s for s in two parts: B high, A high; B, B low, A low."""
    (a_high, a_low), (b_high, b_low) = two_parts(a, a_bits), two_parts(b, b_bits)
    return [b_high, a_high, to_float(b), b_low, a_low], 0


@entry("gelu_tanh.cuh", "log2(e) u(t) = t (A + B t^2): B high, A high; B, B low, A low")
def gelu_tanh_exponent():
    a = SLOPE / LN2
    return split_line(a, 19, a * CUBIC, 15)


@entry("gelu_tanh.cuh", "t u'(t) = t (A + B t^2): B high, A high; B, B low, A low")
def gelu_tanh_slope():
    return split_line(SLOPE, 19, 3 * SLOPE * CUBIC, 14)


# --- elementary functions -------------------------------------------------------------------------

@entry("erf.cuh", "erf(t)/t - 1 in t^2, t <= 1")
def erf_center():
    return scaled(fit(lambda s: mp.erf(mp.sqrt(s)) / mp.sqrt(s) - 1, (mp.mpf("1e-12"), 1), 6,
                      weight=lambda s: mp.sqrt(s) / mp.erf(mp.sqrt(s))))


@entry("erf.cuh", "-log2(erfc(t)) = 2^-11 + t q(t), 1 <= t <= 4; error of erf")
def erf_tail():
    p = fit(lambda t: -mp.log(mp.erfc(t)) / LN2, (1, 4), 6, weight=mp.erfc, fixed={0: "0.00048828125"})
    return p.coefficients[1:], p.error


@entry("log1p.cuh", "(log1p(f) - f)/f^2, |f| <= 1/3")
def log1p_curve():
    third = mp.mpf(1) / 3
    return scaled(fit(lambda f: (mp.log1p(f) - f) / f ** 2 if f else -mp.mpf(1) / 2, (-third, third), 9,
                      weight=lambda f: f ** 2 / mp.log1p(f) if f else 0, fixed={0: "-0.5"}))


# --- sine and cosine of turns ---------------------------------------------------------------------

EIGHTH = mp.mpf(1) / 64  # of a turn, squared


def in_square(f, degree, weight):
    """f(t) for 0 < t <= 1/8 as a polynomial in t^2; error weighted."""
    return scaled(fit(lambda z: f(mp.sqrt(z)), (mp.mpf("1e-9"), EIGHTH), degree,
                      weight=lambda z: weight(mp.sqrt(z))))


@entry("turns.cuh", "sin(2 pi t) = t C + t q(t^2), C = float(2 pi), |t| <= 1/8")
def sine_of_turns():
    circle = to_float(2 * mp.pi)
    return in_square(lambda t: mp.sin(2 * mp.pi * t) / t - circle, 3,
                     lambda t: t / mp.sin(2 * mp.pi * t))


@entry("turns.cuh", "cos(2 pi t) = 1 + t^2 q(t^2), |t| <= 1/8")
def cosine_of_turns():
    return in_square(lambda t: (mp.cos(2 * mp.pi * t) - 1) / t ** 2, 3,
                     lambda t: t ** 2 / mp.cos(2 * mp.pi * t))


# --- printing and checking ------------------------------------------------------------------------

def literals(header):
    """All hexadecimal float literals of a header in their order, signs included."""
    text = re.sub(r"//.*", "", (MATH / header).read_text())
    return [float.fromhex(sign + word) for sign, word in
            re.findall(r"(-?)(0x[0-9a-f.]+p[+-]?\d+)f", text)]


def has_run(numbers, run):
    return any(numbers[i:i + len(run)] == run for i in range(len(numbers) - len(run) + 1))


def main(arguments):
    check = "--check" in arguments
    names = [a for a in arguments if not a.startswith("--")]
    unknown = set(names) - {name for name, *_ in ENTRIES}
    if unknown:
        sys.exit(f"polynomials.py: no derivation called {', '.join(sorted(unknown))}")
    missing = []
    for name, header, comment, derive in ENTRIES:
        if names and name not in names:
            continue
        coefficients, error = derive()
        accuracy = f", error 2^{np.log2(error):.2f}" if error else ""
        print(f"{name} ({header}): {comment}{accuracy}")
        print("    " + ", ".join(hex_float(c) for c in coefficients))
        if check and not has_run(literals(header), [float(c) for c in coefficients]):
            missing.append(f"{name} in {header}")
    if missing:
        sys.exit(f"polynomials.py: not in the headers as derived: {', '.join(missing)}")


if __name__ == "__main__":
    main(sys.argv[1:])
