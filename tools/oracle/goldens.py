#!/usr/bin/env python3
"""An independent oracle for the golden files: mpmath, and none of assay's formulas or code.

    goldens.py FILE...    reads golden/*.safetensors; exit 1 and the first differences if any differs

What a file calls `rounded` must be the correctly rounded value, bit for bit; what it calls `near`, and
a `rounded` output that has no NAME.truth beside it, must be within 2^-51 of the value (2^-700 of zero).
Values that are no number, or infinite, or meet one, are what reference/README.md says of them ("Special
values").
"""

import collections
import json
import math
import struct
import sys

from activations import FORMATS, FUNCTIONS, at_infinity, round_to
from mpmath import mp, mpf

FORMATS["fp64"] = (53, -1022, 1023)
PRECISIONS = (200, 500, 1200, 3000)
EXACT_FROM = 1200  # bits: what more of them do not change has no more
DTYPES = {"F32": ("fp32", "f", 4), "F16": ("fp16", "e", 2), "F64": ("fp64", "d", 8), "BF16": ("bf16", "H", 2),
          "I32": ("int32", "i", 4)}
SLOPE_AT_ZERO = {"gelu.erf": mpf(1) / 2, "gelu.tanh": mpf(1) / 2, "silu": mpf(1) / 2, "mish": mpf(3) / 5}


def decoded(dtype, raw):
    _, code, size = DTYPES[dtype]
    numbers = struct.unpack(f"<{len(raw) // size}{code}", raw)
    if dtype == "BF16":
        return [struct.unpack("<f", struct.pack("<I", bits << 16))[0] for bits in numbers]
    return list(numbers)


def read(path):
    with open(path, "rb") as file:
        contents = file.read()
    length = struct.unpack("<Q", contents[:8])[0]
    header = json.loads(contents[8 : 8 + length])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = DTYPES[entry["dtype"]][0], entry["shape"], decoded(entry["dtype"], contents[begin:end])
    return metadata, tensors


def rounded_double(fmt, x):
    """A double or an mpf, rounded to the format, as a double."""
    if isinstance(x, float) and (not math.isfinite(x) or x == 0):
        return x
    return round_to(fmt, mpf(x), 1.0)


def to_fp32(x):
    return rounded_double("fp32", x)


def slope(name, x, alpha, bits):
    """f'(x) as an mpf; at zero, where it is rational, exactly."""
    if x == 0 or (name == "gelu.scaled" and alpha == 0):
        return mpf(alpha) / 2 if name == "gelu.scaled" else SLOPE_AT_ZERO[name]
    with mp.workprec(bits):
        return FUNCTIONS[name + ".derivative"](mpf(x), mpf(alpha))


def slope_in_fp32(name, x, alpha):
    """f'(x) as fp32 has it: with its sign if it is zero."""
    if math.isinf(alpha * x):
        return (1.0 if alpha * x > 0 else -0.0) * alpha
    value = slope(name, x, alpha, 400)
    return round_to("fp32", value, -1.0 if value < 0 else 1.0)


class Decided:
    """A value known by itself: not a number, infinite, or an exact double."""

    def __init__(self, value):
        self.value = value


class Elementwise:
    """One element: value(bits) is an mpf, sign that of a result that is zero or underflows."""

    def __init__(self, value, sign):
        self.value_at, self.sign = value, sign


def forward(name, x, alpha):
    z = alpha * x
    if math.isnan(z):
        return Decided(math.nan)
    if math.isinf(z):
        return Decided(at_infinity("relu" if name == "relu" else "gelu", z))
    if name == "relu" or z == 0:
        return Decided(max(x, 0.0) + 0.0 if name == "relu" else z)

    def value(bits):
        with mp.workprec(bits):
            return FUNCTIONS[name](mpf(x), mpf(alpha))

    return Elementwise(value, z)


def backward(name, x, alpha, dy):
    if name == "relu":
        return Decided(math.nan if math.isnan(x) else dy if x > 0 else 0.0)
    z = alpha * x
    if math.isnan(z) or math.isnan(dy):
        return Decided(math.nan)
    if math.isinf(dy):
        return Decided(dy * slope_in_fp32(name, x, alpha))
    if math.isinf(z):
        return Decided(dy * ((1.0 if z > 0 else -0.0) * alpha))
    steep = slope(name, x, alpha, 400)
    # What vanishes does so on the left, from below: f rises to it from its minimum.
    upward = (steep > 0) - (steep < 0) or (-1 if z < 0 else 1) * math.copysign(1, alpha)
    sign = upward * math.copysign(1, dy)
    if dy == 0 or alpha == 0:
        return Decided(math.copysign(0.0, sign))

    def value(bits):
        with mp.workprec(2 * bits + 400):
            return slope(name, x, alpha, bits) * mpf(dy)

    return Elementwise(value, sign)


def alpha_term(x, alpha, dy, bits):
    """dy x gelu'(alpha x): a float where it is no number or infinite, or meets one; else an mpf."""
    z = alpha * x
    if math.isnan(z) or math.isnan(dy):
        return math.nan
    if math.isinf(dy):
        steep = (1.0 if z > 0 else -0.0) if math.isinf(z) else round_to("fp32", slope("gelu.erf", z, 1.0, bits), z)
        return dy * (0.0 if steep == 0 else to_fp32(mpf(x) * mpf(steep)) if math.isfinite(x) else x * steep)
    if math.isinf(z):
        return mpf(0) if z < 0 else dy * x
    with mp.workprec(2 * bits + 400):
        return mpf(dy) * mpf(x) * slope("gelu.erf", z, 1.0, bits)


class Sum:
    """dalpha: one output of all elements."""

    def __init__(self, case, tensors):
        self.elements = list(zip(tensors["x"], tensors["dy"]))
        self.alpha = case.parameter("alpha")

    def values(self, bits):
        terms = [alpha_term(x, self.alpha, dy, bits) for x, dy in self.elements]
        odd = [float(term) for term in terms if isinstance(term, float) and not math.isfinite(term)]
        if odd:
            return [sum(odd)]
        with mp.workprec(2 * bits + 400):
            return [mp.fsum(mpf(term) for term in terms)]


class Row:
    """A row of softmax: what is seen of it, and the zeros behind."""

    def __init__(self, logarithm, backward_pass, temperature, x, dy, hidden):
        self.logarithm, self.backward_pass, self.temperature = logarithm, backward_pass, temperature
        self.x, self.dy = x, dy
        self.behind = [-math.inf if logarithm and not backward_pass else 0.0] * hidden

    def values(self, bits):
        with mp.workprec(bits):
            return (self.gradients() if self.backward_pass else self.results()) + self.behind

    def results(self):
        if any(math.isnan(x) or x == math.inf for x in self.x):
            return [math.nan] * len(self.x)
        powers = [mpf(0) if x == -math.inf else mp.exp(mpf(x) / mpf(self.temperature)) for x in self.x]
        if all(power == 0 for power in powers):
            return [-math.inf if self.logarithm else 0.0] * len(self.x)
        total = mp.fsum(powers)
        if not self.logarithm:
            return [power / total for power in powers]
        with mp.extraprec(300):  # the logarithm and the score may nearly cancel
            total = mp.log(mp.fsum(mp.exp(mpf(x)) for x in self.x if x != -math.inf))
            return [-math.inf if x == -math.inf else mpf(x) - total for x in self.x]

    def gradients(self):
        seen = self.x + self.dy
        if any(math.isnan(each) for each in seen) or any(math.isinf(each) for each in self.dy):
            power = [math.exp(x) for x in self.x] if self.logarithm else self.x
            if self.logarithm:
                total = sum(self.dy)
                return [dy - p * total for p, dy in zip(power, self.dy)]
            total = sum(p * dy for p, dy in zip(power, self.dy))
            return [p * (dy - total) / self.temperature for p, dy in zip(power, self.dy)]
        # The Jacobian times dy: of p_j, p_j (delta_jk - p_k) / temperature; of l_j, delta_jk - e^(l_k).
        with mp.extraprec(1000):
            p = [mpf(x) for x in self.x]
            if self.logarithm:
                powers = [mpf(0) if x == -math.inf else mp.exp(mpf(x)) for x in self.x]
                return [mp.fsum((mpf(dy) if j == k else 0) - power * mpf(dy) for k, dy in enumerate(self.dy))
                        for j, power in enumerate(powers)]
            return [mp.fsum(mpf(dy) * p[k] * ((1 if j == k else 0) - p[j]) for k, dy in enumerate(self.dy))
                    / mpf(self.temperature) for j in range(len(p))]


class Case:
    def __init__(self, text):
        _, self.function, _, shape, *_ = text.split("/")
        self.shape = {key: float(value) for key, value in (field.split("=") for field in shape.split(","))}
        self.component, self.variant, self.direction = self.function.split(".")

    def parameter(self, name):
        return to_fp32(self.shape.get(name, 1.0))


def added(score, mask):
    """A score under a mask that is added: exactly; -inf hides whatever stands there."""
    if mask == -math.inf:
        return mask
    if not math.isfinite(score) or not math.isfinite(mask):
        return score + mask
    with mp.workprec(400):
        return mpf(score) + mpf(mask)


def softmax_rows(case, tensors):
    first = "y" if case.direction == "bwd" else "x"
    scores, gradient = tensors[first], tensors.get("dy", [])
    length, queries = int(case.shape["k" if "k" in case.shape else "n"]), int(case.shape.get("q", 1))
    rows = []
    for row in range(len(scores) // length):
        seen = length
        if case.variant == "causal":
            seen = min(max(row % queries + 1 + length - queries, 0), length)
        if case.variant == "padding":
            seen = min(max(int(tensors["lengths"][row // queries]), 0), length)
        part = slice(row * length, row * length + seen)
        x = scores[part]
        if "mask" in tensors:
            above = row % queries * length
            x = [added(*pair) for pair in zip(x, tensors["mask"][above:above + length])]
        rows.append(Row(case.variant == "log", case.direction == "bwd", case.parameter("temperature"),
                        x, gradient[part], length - seen))
    return rows


def expected(case, output, tensors):
    """Pairs of an index and either Decided, Elementwise, or (group, place in it)."""
    if case.component == "softmax":
        at = 0
        for row in softmax_rows(case, tensors):
            for place in range(len(row.x) + len(row.behind)):
                yield at + place, (row, place)
            at += len(row.x) + len(row.behind)
        return
    if output == "dalpha":
        yield 0, (Sum(case, tensors), 0)
        return
    name = case.component if case.variant == "plain" else f"{case.component}.{case.variant}"
    if name not in FUNCTIONS:
        raise LookupError(f"there is no formula of {case.function} here: add it to tools/oracle")
    alpha = case.parameter("alpha")
    for i, x in enumerate(tensors["x"]):
        yield i, forward(name, x, alpha) if case.direction == "fwd" else backward(name, x, alpha, tensors["dy"][i])


class Oracle:
    def __init__(self):
        self.known = {}

    def at(self, what, bits):
        """The value, an mpf or a float that is no number or infinite, with that many bits."""
        if isinstance(what, Elementwise):
            return what.value_at(bits)
        group, place = what
        if (group, bits) not in self.known:
            self.known[group, bits] = group.values(bits)
        return self.known[group, bits][place]

    def settle(self, fmt, what):
        """The rounded value, and the value with its error; zeros of groups have no sign."""
        if isinstance(what, Decided):
            return rounded_double(fmt, what.value), what.value, 0
        sign = what.sign if isinstance(what, Elementwise) else 0.0
        for bits in PRECISIONS:
            coarse, fine = self.at(what, bits), self.at(what, 2 * bits + 100)
            if isinstance(fine, float):
                return fine, fine, 0
            if fine == 0 and bits < EXACT_FROM:  # or all digits cancelled
                continue
            with mp.workprec(4 * bits + 2000):
                error = 4 * abs(fine - coarse) + abs(fine) * mpf(2) ** (20 - bits)
                if bits >= EXACT_FROM and abs(fine) + error < mpf(2) ** -1000:
                    return math.copysign(0.0, sign), mpf(0), 0  # all but the sign is lost in digits that cancel
                if bits >= EXACT_FROM and fine == coarse:
                    error = mpf(0)
                low, high = round_to(fmt, fine - error, sign), round_to(fmt, fine + error, sign)
            if low == high and (low != 0 or not isinstance(what, Elementwise) or fine == 0
                                or math.copysign(1, low) == math.copysign(1, high)):
                return low, fine, error
        raise ArithmeticError(f"undecided at {PRECISIONS[-1]} bits")


def same(a, b, zero_sign):
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return a == b and (not zero_sign or a != 0 or math.copysign(1, a) == math.copysign(1, b))


def is_near(got, value, error):
    if isinstance(value, float) and (not math.isfinite(value) or not math.isfinite(got)):
        return same(got, value, False)
    with mp.workprec(4000):
        return abs(mpf(got) - mpf(value)) <= abs(mpf(got)) * mpf(2) ** -51 + mpf(2) ** -700 + error


def check_output(oracle, key, output, kinds, tensors):
    """Of one output: how many elements were compared, and lines about those that differ."""
    case = Case(key)
    inputs = {name: tensors[f"{key}:{name}"][2] for name, kind in kinds.items() if kind == "input"}
    fmt, _, values = tensors[f"{key}:{output}"]
    truths = tensors[f"{key}:{output}.truth"][2] if f"{output}.truth" in kinds else values
    is_rounded, is_double = kinds[output] == "rounded", kinds.get(output + ".truth", "near") == "near"
    compared, different = 0, []
    for i, what in expected(case, output, inputs):
        right, value, error = oracle.settle(fmt, what)
        compared += 1
        zero_sign = isinstance(what, (Decided, Elementwise))
        if is_rounded and not same(values[i], right, zero_sign):
            different.append(f"{key}:{output}[{i}] is {values[i].hex()}, mpmath has {right.hex()}")
        elif is_double and not is_near(truths[i], value, error):
            different.append(f"{key}:{output}.truth[{i}] is {truths[i].hex()}, mpmath has {mp.nstr(value, 25)}")
    return compared, different


def check_file(path, counted):
    metadata, tensors = read(path)
    oracle, different = Oracle(), []
    for key in sorted(name for name in metadata if name.startswith("v1/")):
        kinds = dict(entry.split()[:2] for entry in metadata[key].split(";"))
        for output in (name for name in kinds if kinds[name] != "input" and "." not in name):
            compared, lines = check_output(oracle, key, output, kinds, tensors)
            counted[Case(key).function] += compared
            different += lines
        oracle.known.clear()
    return different


def main(words):
    if not words or words[0].startswith("-"):
        sys.exit(__doc__)
    counted, different = collections.Counter(), []
    for path in words:
        try:
            different += check_file(path, counted)
        except (KeyError, ValueError, IndexError, struct.error) as wrong:
            different.append(f"{path}: not a golden that can be read: {wrong!r}")
        except (OSError, LookupError, ArithmeticError) as wrong:
            different.append(f"{path}: {wrong}")
    for name in sorted(counted):
        print(f"{name:28} {counted[name]:6} values compared")
    print(f"{sum(counted.values())} compared, {len(different)} different")
    for text in different[:20]:
        print(text)
    return 1 if different or not counted else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
