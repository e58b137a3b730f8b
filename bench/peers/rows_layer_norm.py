"""Layer norm, alone and with the residual that comes before it, forward and backward, against PyTorch."""

import torch
import torch.nn.functional as F

from row import Piece, Row, compiled, elements, size_of

ATEN = torch.ops.aten
FORWARD, BACKWARD = ["shifted", "two_pass"], ["one_pass", "two_pass"]
EPS = 1e-5
JUDGED = 8  # rows


def rows(dry):
    count, widths = (1 << 13, (768,)) if dry else (1 << 26, (768, 1024, 4096, 16384))
    for c in widths:
        for variant in ("plain", "residual"):
            yield forward(variant, (count // c, c))
        yield backward((count // c, c))


def shapes_of(shape):
    n, c = shape
    return {"x": (shape, "bf16"), "residual": (shape, "bf16"), "sum": (shape, "bf16"), "y": (shape, "bf16"),
            "dy": (shape, "bf16"), "dx": (shape, "bf16"), "gamma": ((c,), "bf16"), "beta": ((c,), "bf16"),
            "dgamma": ((c,), "fp32"), "dbeta": ((c,), "fp32"), "mean": ((n,), "fp32"), "rstd": ((n,), "fp32")}


def traffic(specs, names):
    return sum(elements(specs[name][0]) * size_of(specs[name][1]) for name in names)


def last_rows(tensors, count):
    """Of what has as many rows."""
    return {name: each[-JUDGED:] if each.shape[0] == count else each for name, each in tensors.items()}


def norm(x, gamma, beta):
    y, mean, rstd = ATEN.native_layer_norm(x, gamma.shape, gamma, beta, EPS)
    return {"y": y, "mean": mean.flatten().float(), "rstd": rstd.flatten().float()}


def norm_of_sum(x, residual, gamma, beta):
    total = x + residual
    return {"sum": total, **norm(total, gamma, beta)}


def forward(variant, shape):
    specs = shapes_of(shape)
    given = ("x", "gamma", "beta") if variant == "plain" else ("x", "residual", "gamma", "beta")
    made = ("y", "mean", "rstd") if variant == "plain" else ("sum", "y", "mean", "rstd")
    function = norm if variant == "plain" else norm_of_sum

    def eager(tensors, run=function):
        inputs = list(tensors.values())
        return lambda: run(*inputs)

    return Row(f"layer_norm.{variant}.fwd", "bf16", "rows={},c={}".format(*shape), FORWARD,
               inputs=lambda place: {name: place.normal(*specs[name]) for name in given},
               outputs={name: specs[name] for name in made},
               peers={"torch.eager": eager, "torch.compile": lambda tensors: eager(tensors, compiled(function))},
               pieces=lambda inputs, outputs: [Piece(last_rows(inputs, shape[0]), last_rows(outputs, shape[0]))],
               bytes=traffic(specs, given + made), parameters={"eps": EPS})


def backward(shape):
    specs = shapes_of(shape)
    given, made = ("dy", "x", "gamma", "mean", "rstd"), ("dx", "dgamma", "dbeta")

    def gradients(dy, x, gamma, mean, rstd):
        return ATEN.native_layer_norm_backward(dy, x, gamma.shape, mean, rstd, gamma, gamma, [True, True, True])

    def eager(tensors, run=gradients):
        x, gamma = tensors["x"], tensors["gamma"]
        _, mean, rstd = ATEN.native_layer_norm(x, gamma.shape, gamma, gamma, EPS)  # in the dtype that it wants them
        return lambda: dict(zip(made, run(tensors["dy"], x, gamma, mean, rstd)))

    def inputs(place):
        drawn = {name: place.normal(*specs[name]) for name in given[:3]}
        x = drawn["x"].float()
        return {**drawn, "mean": x.mean(-1), "rstd": (x.var(-1, unbiased=False) + EPS).rsqrt()}

    return Row("layer_norm.plain.bwd", "bf16", "rows={},c={}".format(*shape), BACKWARD, inputs,
               outputs={name: specs[name] for name in made},
               peers={"torch.eager": eager, "torch.compile": lambda tensors: eager(tensors, compiled(gradients))},
               pieces=lambda given, got: [Piece(last_rows(given, shape[0]), {"dx": got["dx"][-JUDGED:]})],
               unjudged=("dgamma", "dbeta"), bytes=traffic(specs, given + made))
