#!/usr/bin/env python3
"""An independent oracle for the golden files: mpmath, and none of assay's formulas or code.

    goldens.py FILE...    reads golden/*.safetensors; exit 1 and the first differences if any differs

What a file calls `rounded` must be the correctly rounded value, bit for bit; what it calls `near`, and
a `rounded` output that has no NAME.truth beside it, must be within 2^-51 of the value (2^-700 of zero).
Values that are no number, or infinite, or meet one, are what reference/README.md says of them ("Special
values").
"""

import collections
import math
import struct
import sys

import adamw
import addition
import attention
import causal_mask
import cross_entropy
import elementwise
import embedding
import global_norm
import kv_cache
import layer_norm
import linear
import linear_attention
import multi_head
import rope
import sampling
import softmax
from golden_file import Case, read
from mpmath import mp, mpf
from settled import Decided, Elementwise, Oracle

# What computes a component's expected values; the rest is elementwise.
COMPONENTS = {"adamw": adamw, "addition": addition, "attention": attention, "causal_mask": causal_mask,
              "cross_entropy": cross_entropy, "embedding": embedding, "global_norm": global_norm,
              "kv_cache": kv_cache, "layer_norm": layer_norm, "linear": linear, "linear_attention": linear_attention,
              "multi_head": multi_head, "rope": rope, "sampling": sampling, "softmax": softmax}


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
    for i, what in COMPONENTS.get(case.component, elementwise).expected(case, output, inputs):
        right, value, error = oracle.settle(fmt, what)
        compared += 1
        zero_sign = isinstance(what, (Decided, Elementwise))
        if is_rounded and not same(values[i], right, zero_sign):
            different.append(f"{key}:{output}[{i}] is {float(values[i]).hex()}, mpmath has {right.hex()}")
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
