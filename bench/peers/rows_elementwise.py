"""Activations against PyTorch, eager and compiled."""

import torch
import torch.nn.functional as F

from row import Piece, Row, compiled, size_of

ATEN = torch.ops.aten
JUDGED = 4096

FORWARD = {
    "relu.plain": ("select", F.relu),
    "gelu.erf": ("fused", F.gelu),
    "gelu.tanh": ("fused", lambda x: F.gelu(x, approximate="tanh")),
    "silu.plain": ("fused", F.silu),
    "mish.plain": ("fused", F.mish),
}
BACKWARD = {
    "relu.plain": ("select", lambda x, dy: ATEN.threshold_backward(dy, x, 0)),
    "gelu.erf": ("fused", lambda x, dy: ATEN.gelu_backward(dy, x)),
    "gelu.tanh": ("fused", lambda x, dy: ATEN.gelu_backward(dy, x, approximate="tanh")),
    "silu.plain": ("fused", lambda x, dy: ATEN.silu_backward(dy, x)),
    "mish.plain": ("fused", lambda x, dy: ATEN.mish_backward(dy, x)),
}
def rows(dry):
    count = 1 << (12 if dry else 26)
    for direction, functions, given, result in (("fwd", FORWARD, ("x",), "y"), ("bwd", BACKWARD, ("x", "dy"), "dx")):
        for name, (by, function) in functions.items():
            yield row(f"{name}.{direction}", by, function, given, result, count)


def row(name, by, function, given, result, count, dtype="bf16"):
    def eager(tensors, run=function):
        inputs = [tensors[each] for each in given]
        return lambda: {result: run(*inputs)}

    def pieces(inputs, outputs):
        found = []
        for part in (slice(None, JUDGED), slice(-JUDGED, None)):
            cut = [{key: tensor[part] for key, tensor in tensors.items()} for tensors in (inputs, outputs)]
            found.append(Piece(*cut))
        return found

    return Row(name, dtype, f"n={count}", [by],
               inputs=lambda place: {each: place.normal((count,), dtype) for each in given},
               outputs={result: ((count,), dtype)},
               peers={"torch.eager": eager, "torch.compile": lambda tensors: eager(tensors, compiled(function))},
               pieces=pieces, bytes=(len(given) + 1) * count * size_of(dtype))
