#!/usr/bin/env python3
"""A GPT-2 in numpy and float64, forward and backward: shares no line with PyTorch nor with assay.

    gpt2_numpy.py logits FOLDER --tokens IN --out OUT     int32 tokens [B, T] -> float64 logits [B, T, V]
    gpt2_numpy.py loss FOLDER --tokens IN --out OUT       and int32 targets [B, T] -> loss, gradient.NAME

FOLDER has config.json and model.safetensors as Hugging Face's GPT-2 has them, with or without the prefix
`transformer.`; NAME is a weight's without it. The loss is the mean cross-entropy over all targets.
"""

import argparse
import json
import math
import os
import sys

import numpy as np

import tensor_file

PREFIX = "transformer."
ERF = np.vectorize(math.erf, otypes=[float])


class Exactly:
    """Arithmetic as the machine has it."""

    def product(self, a, b):
        """a [..., m, k] times b [..., k, n]."""
        return a @ b

    def total(self, x, axis=-1):
        return x.sum(axis=axis, keepdims=True)

    def rounded(self, x, ulps=1):
        """The result of one operation, or of a function whose error is so many ULPs."""
        return x


class Noisily(Exactly):
    """What floating-point arithmetic of unit roundoff u may make of it, drawn by chance, to first order. An
    operation errs by at most u |x|, evenly: a deviation of u |x| / sqrt 3. A sum of n terms t, one after the
    other, errs by that for each partial sum s_k (Higham, Accuracy and Stability, section 4.2), and the s_k^2
    add up to n/2 sum t^2 where the terms' signs are random and to n/3 (sum t)^2 where they agree: both are
    taken. Other orders of summation err by less."""

    def __init__(self, unit, seed):
        self.scale, self.random = unit / math.sqrt(3), np.random.default_rng(seed)

    def noise(self, deviation):
        return self.scale * deviation * self.random.standard_normal(np.shape(deviation))

    def product(self, a, b):
        n, sums = a.shape[-1], a @ b
        return sums + self.noise(np.sqrt(n / 2 * ((a * a) @ (b * b)) + n / 3 * sums * sums))

    def total(self, x, axis=-1):
        n, sums = x.shape[axis], x.sum(axis=axis, keepdims=True)
        return sums + self.noise(np.sqrt(n / 2 * (x * x).sum(axis=axis, keepdims=True) + n / 3 * sums * sums))

    def rounded(self, x, ulps=1):
        return x + self.noise(ulps * np.abs(x))


def swapped(x):
    return np.swapaxes(x, -1, -2)


def one_hot(ids, count):
    """[..., count]: 1 where the id is, else 0."""
    chosen = np.zeros((*ids.shape, count))
    np.put_along_axis(chosen, ids[..., None].astype(np.int64), 1, axis=-1)
    return chosen


# Activations: (arithmetic, x) -> value, derivative. The ULPs of tanh, erf and exp are those of C libraries.

def gelu_tanh(a, x):
    root = math.sqrt(2 / math.pi)
    square = a.rounded(x * x)
    tanh = a.rounded(np.tanh(a.rounded(root * x * (1 + 0.044715 * square), 4)), 2)
    half = a.rounded(1 + tanh) / 2
    slope = a.rounded(1 - a.rounded(tanh * tanh)) * a.rounded(root * (1 + 3 * 0.044715 * square), 4)
    return a.rounded(x * half), a.rounded(half + a.rounded(x / 2 * slope, 2))


def gelu_erf(a, x):
    half = a.rounded(1 + a.rounded(ERF(a.rounded(x / math.sqrt(2))), 2)) / 2
    density = a.rounded(np.exp(a.rounded(-x * x / 2, 2)), 2) / math.sqrt(2 * math.pi)
    return a.rounded(x * half), a.rounded(half + a.rounded(x * density, 2))


def relu(a, x):
    return np.maximum(x, 0), (x > 0).astype(float)


ACTIVATIONS = {"gelu_new": gelu_tanh, "gelu_pytorch_tanh": gelu_tanh, "gelu": gelu_erf, "relu": relu}


class Linear:
    """x [B, T, in] times the weights [in, out], and the bias."""

    def __init__(self, a, weight, bias):
        self.a, self.weight, self.bias = a, weight, bias

    def forward(self, x):
        self.x = x
        return self.a.rounded(self.a.product(x, self.weight) + self.bias)

    def backward(self, dy):
        rows, grads = self.x.reshape(-1, self.x.shape[-1]), dy.reshape(-1, dy.shape[-1])
        gradients = {"weight": self.a.product(rows.T, grads), "bias": self.a.total(grads, 0)[0]}
        return self.a.product(dy, self.weight.T), gradients


class LayerNorm:
    def __init__(self, a, weight, bias, epsilon):
        self.a, self.weight, self.bias, self.epsilon = a, weight, bias, epsilon

    def forward(self, x):
        a = self.a
        centred = a.rounded(x - a.rounded(a.total(x) / x.shape[-1]))
        variance = a.rounded(a.total(a.rounded(centred * centred)) / x.shape[-1])
        self.rstd = a.rounded(1 / np.sqrt(variance + self.epsilon), 2)
        self.normal = a.rounded(centred * self.rstd)
        return a.rounded(a.rounded(self.normal * self.weight) + self.bias)

    def backward(self, dy):
        a, n = self.a, dy.shape[-1]
        rows, normals = dy.reshape(-1, n), self.normal.reshape(-1, n)
        gradients = {"weight": a.total(a.rounded(rows * normals), 0)[0], "bias": a.total(rows, 0)[0]}
        scaled = a.rounded(dy * self.weight)
        mean, along = a.total(scaled) / n, a.total(a.rounded(scaled * self.normal)) / n
        dx = a.rounded(self.rstd * a.rounded(a.rounded(scaled - mean) - a.rounded(self.normal * along)))
        return dx, gradients


class Attention:
    """Causal, over the heads of the joined queries, keys and values [B, T, 3C]."""

    def __init__(self, a, heads):
        self.a, self.heads = a, heads

    def split(self, x):
        batch, tokens, width = x.shape
        return x.reshape(batch, tokens, self.heads, width // self.heads).swapaxes(1, 2)

    def join(self, x):
        batch, heads, tokens, width = x.shape
        return x.swapaxes(1, 2).reshape(batch, tokens, heads * width)

    def forward(self, qkv):
        a = self.a
        self.q, self.k, self.v = (self.split(part) for part in np.split(qkv, 3, axis=-1))
        self.scale = 1 / math.sqrt(self.q.shape[-1])
        scores = a.rounded(a.product(self.q, swapped(self.k)) * self.scale)
        visible = np.tri(scores.shape[-1], dtype=bool)
        most = np.where(visible, scores, -np.inf).max(axis=-1, keepdims=True)
        powers = np.where(visible, a.rounded(np.exp(np.where(visible, a.rounded(scores - most), 0)), 2), 0)
        self.p = a.rounded(powers / a.total(powers))
        return self.join(a.product(self.p, self.v))

    def backward(self, dy):
        a, dy = self.a, self.split(dy)
        dp = a.product(dy, swapped(self.v))
        ds = a.rounded(self.p * a.rounded(dp - a.total(a.rounded(self.p * dp)))) * self.scale
        parts = (a.product(ds, self.k), a.product(swapped(ds), self.q), a.product(swapped(self.p), dy))
        return np.concatenate([self.join(part) for part in parts], axis=-1)


class Activation:
    def __init__(self, a, name):
        self.a, self.function = a, ACTIVATIONS[name]

    def forward(self, x):
        y, self.slope = self.function(self.a, x)
        return y

    def backward(self, dy):
        return self.a.rounded(dy * self.slope)


class Gpt2:
    def __init__(self, config, weights, a=None):
        self.a, self.config, self.weights = a or Exactly(), config, weights
        epsilon, last = config["layer_norm_epsilon"], config["n_layer"]
        self.named = {"ln_f": LayerNorm(self.a, *self.pair("ln_f"), epsilon)}
        for at in (f"h.{i}." for i in range(last)):
            for name in ("ln_1", "ln_2"):
                self.named[at + name] = LayerNorm(self.a, *self.pair(at + name), epsilon)
            for name in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj"):
                self.named[at + name] = Linear(self.a, *self.pair(at + name))
            self.named[at + "attention"] = Attention(self.a, config["n_head"])
            self.named[at + "activation"] = Activation(self.a, config["activation_function"])
        self.head = "lm_head.weight" if "lm_head.weight" in weights else "wte.weight"

    def pair(self, name):
        return self.weights[name + ".weight"], self.weights[name + ".bias"]

    BRANCHES = (("ln_1", "attn.c_attn", "attention", "attn.c_proj"), ("ln_2", "mlp.c_fc", "activation", "mlp.c_proj"))

    def logits(self, tokens):
        x = self.a.rounded(self.weights["wte.weight"][tokens] + self.weights["wpe.weight"][:tokens.shape[1]])
        for i in range(self.config["n_layer"]):
            for branch in self.BRANCHES:
                y = x
                for part in branch:
                    y = self.named[f"h.{i}.{part}"].forward(y)
                x = self.a.rounded(x + y)
        self.last = self.named["ln_f"].forward(x)
        return self.a.product(self.last, self.weights[self.head].T)

    def loss(self, tokens, targets):
        """Logits, the loss, and the gradient of every weight."""
        a, logits = self.a, self.logits(tokens)
        most = logits.max(axis=-1, keepdims=True)
        powers = a.rounded(np.exp(a.rounded(logits - most)), 2)
        total = a.total(powers)
        hit = one_hot(targets, logits.shape[-1])
        own = (logits * hit).sum(axis=-1, keepdims=True)
        each = a.rounded(a.rounded(most + a.rounded(np.log(total), 2)) - own)
        loss = a.total(each.reshape(-1))[0] / targets.size
        return logits, loss, self.gradients(tokens, a.rounded(a.rounded(powers / total) - hit) / targets.size)

    def gradients(self, tokens, dlogits):
        a, found = self.a, {}
        rows = dlogits.reshape(-1, dlogits.shape[-1])
        found[self.head] = a.product(rows.T, self.last.reshape(-1, self.last.shape[-1]))
        dx = self.through(found, "ln_f", a.product(dlogits, self.weights[self.head]))
        for i in reversed(range(self.config["n_layer"])):
            for branch in reversed(self.BRANCHES):
                dy = dx
                for part in reversed(branch):
                    dy = self.through(found, f"h.{i}.{part}", dy)
                dx = a.rounded(dx + dy)
        self.embedding_gradients(found, tokens, dx)
        return found

    def through(self, found, name, dy):
        result = self.named[name].backward(dy)
        if not isinstance(result, tuple):
            return result
        found.update({f"{name}.{which}": value for which, value in result[1].items()})
        return result[0]

    def embedding_gradients(self, found, tokens, dx):
        chosen = one_hot(tokens.reshape(-1), len(self.weights["wte.weight"]))
        by_token = self.a.product(chosen.T, dx.reshape(-1, dx.shape[-1]))
        tied = found.get("wte.weight")
        found["wte.weight"] = by_token if tied is None else self.a.rounded(by_token + tied)
        found["wpe.weight"] = np.zeros(self.weights["wpe.weight"].shape)
        found["wpe.weight"][:tokens.shape[1]] = self.a.total(dx, 0)[0]


def load(folder):
    """The configuration, and the weights in float64 without their prefix."""
    with open(os.path.join(folder, "config.json")) as file:
        config = json.load(file)
    tensors, _ = tensor_file.read(os.path.join(folder, "model.safetensors"))
    weights = {name.removeprefix(PREFIX): array.astype(float) for name, array in tensors.items()}
    if config.get("tie_word_embeddings", True):
        weights.pop("lm_head.weight", None)
    return {"layer_norm_epsilon": 1e-5, "activation_function": "gelu_new", **config}, weights


def spread(config, weights, tokens, targets, runs, seed):
    """How far an implementation in float64 may be from the exact value, as one deviation, of logits, loss and every
    gradient, element by element: from so many runs with noise of float32's size, which errs by 2^29 times as much."""
    exact = everything(Gpt2(config, weights), tokens, targets)
    squares = {name: np.zeros(np.shape(value)) for name, value in exact.items()}
    for run in range(runs):
        noisy = everything(Gpt2(config, weights, Noisily(2.0 ** -24, seed + run)), tokens, targets)
        for name, value in noisy.items():
            squares[name] += (value - exact[name]) ** 2
    return {name: np.sqrt(square / runs) * 2.0 ** -29 for name, square in squares.items()}


def everything(model, tokens, targets):
    """Logits, loss [1] and gradients by the names that the command gives them."""
    logits, loss, gradients = model.loss(tokens, targets)
    return {"logits": logits, "loss": np.reshape(loss, 1),
            **{"gradient." + name: value for name, value in gradients.items()}}


def main(words):
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("what", choices=["logits", "loss"])
    options.add_argument("folder")
    options.add_argument("--tokens", required=True)
    options.add_argument("--out", required=True)
    options.add_argument("--on", choices=["reference"], default="reference")
    chosen = options.parse_args(words)
    model, (given, _) = Gpt2(*load(chosen.folder)), tensor_file.read(chosen.tokens)
    if chosen.what == "logits":
        results = {"logits": model.logits(given["tokens"])}
    else:
        results = everything(model, given["tokens"], given["targets"])
        del results["logits"]
    tensor_file.write(chosen.out, results)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
