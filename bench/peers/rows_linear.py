"""Products of matrices: squares, and the layers of GPT-2 with what is fused to them, against PyTorch's (cuBLASLt)."""

import torch
import torch.nn.functional as F

from row import Piece, Row, compiled, elements, size_of

BY = ["mma_128", "mma"]
JUDGED = 8  # rows, or columns, of a result


def rows(dry):
    tokens, channels = (128, 128) if dry else (8192, 768)
    for side in (128,) if dry else (1024, 4096, 8192):
        yield forward("tied", (side, side, side))
    yield forward("bias", (tokens, channels, 3 * channels))
    yield forward("gelu_tanh", (tokens, channels, 4 * channels))
    yield forward("residual", (tokens, 4 * channels, channels))
    yield backward((tokens, channels, 4 * channels))
    yield forward("tied", (tokens, channels, 512 if dry else 50257))


def linear(x, w, b):
    return F.linear(x, w.T, b)


def with_gelu(x, w, b):
    pre = F.linear(x, w.T, b)
    return F.gelu(pre, approximate="tanh"), pre


# Function and results of PyTorch; w is [in, out] but where it is tied.
FORWARD = {
    "tied": (lambda x, w: F.linear(x, w), ("y",)),
    "bias": (linear, ("y",)),
    "gelu_tanh": (with_gelu, ("y", "pre")),
    "residual": (lambda x, w, b, r: linear(x, w, b) + r, ("y",)),
}


def forward(variant, sizes, dtype="bf16"):
    m, k, n = sizes
    function, results = FORWARD[variant]
    shapes = {"x": (m, k), "w": (n, k) if variant == "tied" else (k, n), "b": (n,), "r": (m, n)}
    given = [name for name in shapes if name in ("x", "w") or (name == "b" and variant != "tied")
             or (name == "r" and variant == "residual")]

    def inputs(place):
        drawn = {name: place.normal(shapes[name], dtype) for name in given}
        drawn["w"] *= k ** -0.5
        return drawn

    def eager(tensors, run=function):
        given_to = list(tensors.values())

        def timed():
            got = run(*given_to)
            return dict(zip(results, got if isinstance(got, tuple) else (got,)))
        return timed

    def pieces(inputs, outputs):
        rows_of = [name for name in ("x", "r") if name in inputs]
        return [Piece({**inputs, **{name: inputs[name][-JUDGED:] for name in rows_of}},
                      {name: outputs[name][-JUDGED:] for name in outputs})]

    return Row(f"linear.{variant}.fwd", dtype, f"M={m},K={k},N={n}", BY, inputs,
               outputs={name: ((m, n), dtype) for name in results},
               peers={"torch.eager": eager, "torch.compile": lambda tensors: eager(tensors, compiled(function))},
               pieces=pieces, flops=2 * m * n * k,
               bytes=(sum(elements(shapes[name]) for name in given) + len(results) * m * n) * size_of(dtype))


def backward(sizes, dtype="bf16"):
    m, k, n = sizes
    shapes = {"x": (m, k), "w": (k, n), "dy": (m, n)}

    def gradients(x, w, dy):
        return dy @ w.T, x.T @ dy, dy.sum(0)

    def inputs(place):
        return {name: place.normal(shape, dtype) for name, shape in shapes.items()}

    def eager(tensors, run=gradients):
        given = list(tensors.values())
        return lambda: dict(zip(("dx", "dw", "db"), run(*given)))

    def pieces(inputs, outputs):
        last = slice(-JUDGED, None)
        by_rows = Piece({**inputs, "x": inputs["x"][last], "dy": inputs["dy"][last]}, {"dx": outputs["dx"][last]})
        by_columns = Piece({"x": inputs["x"][:, last].contiguous(), "w": inputs["w"][last], "dy": inputs["dy"]},
                           {"dw": outputs["dw"][last]})
        return [by_rows, by_columns]

    return Row("linear.bias.bwd", dtype, f"M={m},K={k},N={n}", BY, inputs,
               outputs={"dx": ((m, k), dtype), "dw": ((k, n), dtype), "db": ((n,), dtype)},
               peers={"torch.eager": eager, "torch.compile": lambda tensors: eager(tensors, compiled(gradients))},
               pieces=pieces, unjudged=("db",), flops=4 * m * n * k,
               bytes=(2 * (m * k + k * n) + m * n + n) * size_of(dtype))
