#!/usr/bin/env python3
"""An independent oracle for the activations: mpmath, and none of assay's formulas.

    activations.py < LINES              answers lines `FUNCTION FORMAT X [ALPHA]` with the rounded value
    activations.py --verify COMMAND...  runs COMMAND, which prints such lines with ALPHA and a value,
                                        and compares; exit 1 and the first differences if any differs

X, ALPHA and values are hexadecimal floats (0x1.8p-3, inf, nan); FORMAT is fp32, bf16 or fp16. Values are
rounded to nearest, ties to even, from as many bits as it takes. Functions are the definitions of the
papers; derivatives are mpmath's numerical ones, taken of them.
"""

import collections
import math
import subprocess
import sys

try:
    from mpmath import mp, mpf
except ImportError:
    sys.exit("activations.py needs mpmath: apt install python3-mpmath, or pip install mpmath")

FORMATS = {"fp32": (24, -126, 127), "bf16": (8, -126, 127), "fp16": (11, -14, 15)}


def gelu_erf(x):
    return x * mp.ncdf(x)


def gelu_tanh(x):
    return x / 2 * (1 + mp.tanh(mp.sqrt(2 / mp.pi) * (x + mpf("0.044715") * x**3)))


def silu(x):
    return x / (1 + mp.exp(-x))


def mish(x):
    return x * mp.tanh(mp.log1p(mp.exp(x)))


def relu(x):
    return max(x, mpf(0))


def derivative(f):
    return lambda x: mp.diff(f, x)


FUNCTIONS = {
    "relu": lambda x, _: relu(x),
    "relu.derivative": lambda x, _: mpf(1) if x > 0 else mpf(0),
    "gelu.erf": lambda x, _: gelu_erf(x),
    "gelu.erf.derivative": lambda x, _: derivative(gelu_erf)(x),
    "gelu.tanh": lambda x, _: gelu_tanh(x),
    "gelu.tanh.derivative": lambda x, _: derivative(gelu_tanh)(x),
    "gelu.scaled": lambda x, a: gelu_erf(a * x),
    "gelu.scaled.derivative": lambda x, a: derivative(lambda t: gelu_erf(a * t))(x),
    "gelu.scaled.derivative_in_alpha": lambda x, a: derivative(lambda t: gelu_erf(t * x))(a),
    "silu": lambda x, _: silu(x),
    "silu.derivative": lambda x, _: derivative(silu)(x),
    "mish": lambda x, _: mish(x),
    "mish.derivative": lambda x, _: derivative(mish)(x),
}


def round_to(fmt, value, sign_of_zero):
    """An mpf, exactly, to the nearest value of a format; the sign of a zero result is the caller's."""
    precision, e_min, e_max = FORMATS[fmt]
    if value == 0:
        return math.copysign(0.0, sign_of_zero)
    sign, mantissa, exponent, bits = value._mpf_
    quantum = max(exponent + bits - 1, e_min) - precision + 1
    shift = quantum - exponent
    if shift <= 0:
        units = int(mantissa) << -shift
    elif shift > bits + 1:
        units = 0
    else:
        units, rest = divmod(int(mantissa), 1 << shift)
        half = 1 << (shift - 1)
        units += rest > half or (rest == half and units & 1)
    if units.bit_length() + quantum - 1 > e_max:
        result = math.inf
    else:
        result = math.ldexp(units, quantum)
    return -result if sign else result


def at_infinity(name, x):
    if name == "relu":
        return max(x, 0.0)
    if name.endswith("derivative"):
        return 1.0 if x > 0 else 0.0 if name.startswith("relu") else -0.0
    return x if x > 0 else -0.0


def evaluate(name, x, alpha, bits):
    with mp.workprec(bits):
        return FUNCTIONS[name](mpf(x), mpf(alpha))


class Oracle:
    """Rounded values; what was evaluated once serves every format."""

    def __init__(self):
        self.known = {}

    def enclosure(self, name, x, alpha, bits):
        """f(x) and how far it may be off, seen by doing it again with more than twice the bits."""
        key = (name, x, alpha, bits)
        if key not in self.known:
            coarse = evaluate(name, x, alpha, bits)
            fine = evaluate(name, x, alpha, 2 * bits + 100)
            with mp.workprec(4 * bits):
                self.known[key] = fine, 4 * abs(fine - coarse) + abs(fine) * mpf(2) ** (20 - bits)
        return self.known[key]

    def rounded(self, name, fmt, x, alpha):
        if math.isnan(x) or math.isnan(alpha):
            return math.nan
        if math.isinf(x):
            return at_infinity(name, x)
        if name == "relu" and x == 0:
            return 0.0
        # Zero results: f has the sign of x; derivatives underflow on the left only, from below, but
        # relu's, and that of gelu(alpha x) in alpha at x = 0, which are zero.
        sign = x if x != 0 or not name.startswith("relu") else 1.0
        sign = 1.0 if name == "relu.derivative" or name == "relu" else sign
        for bits in (200, 500, 1200, 3000):
            value, error = self.enclosure(name, x, alpha, bits)
            if value == 0:
                return round_to(fmt, value, sign)
            with mp.workprec(4 * bits):
                low, high = value - error, value + error
            low, high = round_to(fmt, low, sign), round_to(fmt, high, sign)
            if low == high and math.copysign(1, low) == math.copysign(1, high):
                return low
        raise ArithmeticError(f"{name} at {x.hex()} is undecided at {bits} bits")


def parse(line):
    fields = line.split()
    if not 3 <= len(fields) <= 5 or fields[0] not in FUNCTIONS or fields[1] not in FORMATS:
        sys.exit(f"activations.py: expected FUNCTION FORMAT X [ALPHA [VALUE]], got: {line.strip()}")
    return fields[0], fields[1], [float.fromhex(field) for field in fields[2:]]


def answer(lines):
    oracle = Oracle()
    for line in lines:
        name, fmt, numbers = parse(line)
        alpha = numbers[1] if len(numbers) > 1 else 1.0
        print(name, fmt, numbers[0].hex(), alpha.hex(), oracle.rounded(name, fmt, numbers[0], alpha).hex())


def verify(command):
    run = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if run.returncode != 0:
        sys.exit(f"activations.py: {command[0]} ended with {run.returncode}")
    oracle = Oracle()
    compared = collections.Counter()
    different = []
    for line in run.stdout.splitlines():
        name, fmt, (x, alpha, value) = parse(line)
        right = oracle.rounded(name, fmt, x, alpha)
        compared[name] += 1
        if right.hex() != value.hex():
            different.append(f"{name} {fmt} at {x.hex()}, alpha {alpha.hex()}: {value.hex()}, mpmath {right.hex()}")
    for name in FUNCTIONS:
        print(f"{name:34} {compared[name]:6} values compared")
    missing = [name for name in FUNCTIONS if compared[name] < 100]
    print(f"{sum(compared.values())} compared, {len(different)} different")
    for text in different[:20]:
        print(text)
    if missing:
        print("fewer than 100 values of:", ", ".join(missing))
    return 1 if different or missing else 0


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] == "--verify":
        sys.exit(verify(sys.argv[2:]))
    if len(sys.argv) > 1:
        sys.exit(__doc__)
    answer(sys.stdin)
