"""Softmax of rows against PyTorch, eager and compiled; causal against masking first."""

import torch

from row import Piece, Row, compiled, size_of

ATEN = torch.ops.aten
FORWARD, BACKWARD = ["online", "online_warp", "online_block"], ["one_pass", "one_pass_warp", "one_pass_block"]
JUDGED = 4  # rows


def rows(dry):
    count, lengths = (1 << 13, (64, 1024)) if dry else (1 << 26, (1024, 4096, 16384, 65536))
    for n in lengths:
        shape = (count // n, n)
        for variant, function in (("plain", lambda x: torch.softmax(x, -1)), ("log", lambda x: torch.log_softmax(x, -1))):
            yield row(f"softmax.{variant}.fwd", FORWARD, function, ("x",), "y", shape)
        yield row("softmax.plain.bwd", BACKWARD, lambda y, dy: ATEN._softmax_backward_data(dy, y, -1, y.dtype),
                  ("y", "dy"), "dx", shape)
    for n in lengths[:-1]:
        if count >= n * n:
            yield row("softmax.causal.fwd", FORWARD, masked_softmax, ("x",), "y", (count // (n * n), n, n), read=0.5)


def masked_softmax(x):
    n = x.shape[-1]
    behind = torch.ones(n, n, dtype=torch.bool, device=x.device).triu(1)
    return torch.softmax(x.masked_fill(behind, float("-inf")), -1)


def row(name, by, function, given, result, shape, read=1.0, dtype="bf16"):
    """`read`: the share of the inputs that matters."""
    def eager(tensors, run=function):
        inputs = [tensors[each] for each in given]
        return lambda: {result: run(*inputs)}

    def pieces(inputs, outputs):
        part = slice(-1, None) if len(shape) == 3 else slice(-JUDGED, None)
        cut = [{key: tensor[part] for key, tensor in tensors.items()} for tensors in (inputs, outputs)]
        if len(shape) == 3:  # the last queries of the last batch, which see nearly all keys
            cut = [{key: tensor[:, -JUDGED:] for key, tensor in tensors.items()} for tensors in cut]
        return [Piece(*cut)]

    def inputs(place):
        drawn = {each: place.normal(shape, dtype) for each in given}
        if "y" in drawn:
            drawn["y"] = torch.softmax(drawn["y"], -1)
        return drawn

    count = 1
    for extent in shape:
        count *= extent
    size = "rows={},n={}".format(*shape) if len(shape) == 2 else "batch={},q={},k={}".format(*shape)
    return Row(name, dtype, size, by, inputs, outputs={result: (shape, dtype)},
               peers={"torch.eager": eager, "torch.compile": lambda tensors: eager(tensors, compiled(function))},
               pieces=pieces, bytes=(len(given) * read + 1) * count * size_of(dtype))
