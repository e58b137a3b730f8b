#!/usr/bin/env python3
"""The oracle of GPT-2 is itself held to account: test_gpt2.py FOLDER, where tools/gpt2/test/data is.

numpy's model meets PyTorch's results on file; one with a mistake in any one operation does not.
"""

import contextlib
import io
import json
import math
import os
import sys
import unittest
from unittest import mock

import numpy as np

import gpt2
import gpt2_judge
import gpt2_model
import gpt2_numpy
import tensor_file
from gpt2_numpy import Attention, Gpt2, LayerNorm, Linear

GOLDEN = os.path.join(sys.argv.pop(), "tiny.safetensors") if len(sys.argv) > 1 else sys.exit(__doc__)


def transformed(method, change):
    """A method whose result is changed."""
    return lambda self, *given: change(method(self, *given))


TRIANGLE = np.tri


def later_by_one(n, dtype):
    return TRIANGLE(n, k=1, dtype=dtype)


def without_a_row(self, dy):
    dx, gradients = Linear.original(self, dy)
    return dx, gradients | {"bias": gradients["bias"] - dy.reshape(-1, dy.shape[-1])[-1]}


def without_mean(self, dy):
    dx, gradients = LayerNorm.original(self, dy)
    return dx + self.rstd * (dy * self.weight).mean(axis=-1, keepdims=True), gradients


def in_float32(self, tokens):
    return Gpt2.original(self, tokens).astype(np.float32).astype(float)


Linear.original, LayerNorm.original, Gpt2.original = Linear.backward, LayerNorm.backward, Gpt2.logits
activations = gpt2_numpy.ACTIVATIONS
MISTAKES = {
    "scores scaled by 1/head size": mock.patch.object(gpt2_numpy.math, "sqrt", lambda x: x if x == 8 else x ** 0.5),
    "the next token is seen": mock.patch.object(np, "tri", later_by_one),
    "the other GELU": mock.patch.dict(activations, gelu_new=activations["gelu"]),
    "the derivative of the other GELU": mock.patch.dict(activations, gelu_new=lambda a, x: (
        gpt2_numpy.gelu_tanh(a, x)[0], gpt2_numpy.gelu_erf(a, x)[1])),
    "no mean in a layer norm's gradient": mock.patch.object(LayerNorm, "backward", without_mean),
    "a token left out of a bias's gradient": mock.patch.object(Linear, "backward", without_a_row),
    "logits in fp32": mock.patch.object(Gpt2, "logits", in_float32),
    "heads joined the wrong way": mock.patch.object(Attention, "join", transformed(
        Attention.join, lambda x: x.reshape(*x.shape[:2], -1, 2).swapaxes(2, 3).reshape(x.shape))),
}


class Sequentially(gpt2_numpy.Exactly):
    """Every sum from the first term to the last, one by one: as far from BLAS's order as there is."""

    def product(self, a, b):
        sums = np.zeros(np.broadcast_shapes(a.shape[:-2], b.shape[:-2]) + (a.shape[-2], b.shape[-1]))
        for k in range(a.shape[-1]):
            sums = sums + a[..., :, k:k + 1] * b[..., k:k + 1, :]
        return sums

    def total(self, x, axis=-1):
        return np.take(np.add.accumulate(x, axis=axis), [-1], axis=axis)


class TheOracle(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tensors, cls.metadata = tensor_file.read(GOLDEN)
        cls.config = json.loads(cls.metadata["config"])
        cls.weights = {name: cls.tensors[name].astype(float) for name in gpt2_model.shapes(cls.config)}
        cls.spread = {n.removeprefix("spread."): v for n, v in cls.tensors.items() if n.startswith("spread.")}
        cls.expected = {name: cls.tensors[name] for name in cls.spread}

    def compared(self, got):
        return gpt2_judge.Comparison(got, self.expected, self.spread, float(self.metadata["limit"]))

    def computed(self, arithmetic=None):
        model = Gpt2(self.config, self.weights, arithmetic)
        return gpt2_numpy.everything(model, self.tensors["tokens"], self.tensors["targets"])

    def test_meets_pytorch_on_file(self):
        self.assertEqual(self.compared(self.computed()).wrong, [])

    def test_another_order_of_summation_agrees_and_gives_other_bits(self):
        got = self.computed(Sequentially())
        self.assertEqual(self.compared(got).wrong, [])
        self.assertTrue(any(np.any(got[name] != value) for name, value in self.computed().items()))

    def test_every_mistake_is_seen(self):
        for name, planted in MISTAKES.items():
            with self.subTest(name), planted:
                self.assertFalse(self.compared(self.computed()).agrees())

    def test_a_gradient_that_lacks_the_embedding_of_a_tied_head_is_seen(self):
        got = self.computed()
        chosen = np.isin(np.arange(self.config["vocab_size"]), self.tensors["tokens"])
        got["gradient.wte.weight"] = np.where(chosen[:, None], 0, got["gradient.wte.weight"])
        self.assertRegex(self.compared(got).wrong[0], "^gradient.wte.weight")

    def test_each_output_counts(self):
        for name in self.expected:
            got, limit = dict(self.expected), float(self.metadata["limit"])
            step = 2 * limit * math.sqrt(2) * self.spread[name].max()
            got[name] = self.expected[name] + step
            with self.subTest(name):
                self.assertTrue(self.compared(got).wrong[0].startswith(name + "["))

    def test_what_does_not_scatter_must_be_equal(self):
        unused = "gradient.wpe.weight"
        self.assertTrue((self.spread[unused][-1] == 0).all())
        got = dict(self.expected)
        got[unused] = self.expected[unused].copy()
        got[unused][-1, 0] = 5e-324
        self.assertFalse(self.compared(got).agrees())

    def test_nan_is_never_right(self):
        got = {name: np.full(np.shape(value), np.nan) for name, value in self.expected.items()}
        self.assertEqual(len(self.compared(got).wrong), len(self.expected))

    def test_missing_and_misshapen_outputs_are_wrong(self):
        got = dict(self.expected)
        del got["loss"]
        got["logits"] = got["logits"][:1]
        got["gradient.other"] = got["gradient.wpe.weight"]
        self.assertEqual(self.compared(got).wrong, [
            "gradient.other is no output", "logits is [1, 13, 50]; expected [3, 13, 50]", "loss is missing"])

    def test_students_distribution_has_its_known_quantiles(self):
        for p in (0.1, 1e-6, 1e-12):
            # With one degree of freedom P(|T| > t) = 2/pi atan(1/t); with two, 1 - t / sqrt(2 + t^2).
            t = gpt2_judge.student(1, p)
            self.assertAlmostEqual(2 / math.pi * math.atan(1 / t) / p, 1, delta=1e-9)
            t = gpt2_judge.student(2, p)
            tail = 2 / ((2 + t * t) ** 0.5 * ((2 + t * t) ** 0.5 + t))
            self.assertAlmostEqual(tail / p, 1, delta=1e-9)

    def test_noise_has_the_deviation_that_it_states(self):
        noisy = gpt2_numpy.Noisily(1.0, 7)
        drawn = noisy.rounded(np.full(100000, 3.0)) - 3
        # The variance of a normal deviate's estimate from n draws is 2/n of its square: five of those.
        self.assertAlmostEqual(np.mean(drawn ** 2) / 3, 1, delta=5 * math.sqrt(2 / 100000))

    def test_a_command_that_fails_is_named(self):
        with contextlib.redirect_stderr(io.StringIO()) as told:
            code = gpt2.main(["--verify", GOLDEN, "--command", "false"])
        self.assertEqual(code, 2)
        self.assertRegex(told.getvalue(), "gpt2.py: false logits .* ended with 1")

    def test_a_command_is_held_to_the_file(self):
        program = os.path.join(os.path.dirname(os.path.abspath(gpt2.__file__)), "gpt2_numpy.py")
        with contextlib.redirect_stdout(io.StringIO()) as told:
            code = gpt2.main(["--verify", GOLDEN, "--command", f"{sys.executable} {program}", "--json"])
        self.assertEqual((code, len(json.loads(told.getvalue())["comparisons"])), (0, 2))


if __name__ == "__main__":
    unittest.main()
