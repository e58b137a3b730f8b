"""Multi-head attention with its projections, causal, against the same of PyTorch's parts, eager and compiled."""

import torch.nn.functional as F

from row import Piece, Row, compiled, elements, size_of

JUDGED = 64  # tokens


def rows(dry):
    for batch, tokens, channels, heads in ([(2, 64, 128, 2)] if dry else [(8, 1024, 768, 12), (8, 1024, 2048, 16)]):
        yield row(batch, tokens, channels, heads)


def row(batch, tokens, channels, heads, dtype="bf16"):
    shapes = {"x": (batch, tokens, channels), "w_qkv": (channels, 3 * channels), "b_qkv": (3 * channels,),
              "w_out": (channels, channels), "b_out": (channels,)}

    def inputs(place):
        drawn = {name: place.normal(shape, dtype) for name, shape in shapes.items()}
        for name in ("w_qkv", "w_out"):
            drawn[name] *= channels ** -0.5
        return drawn

    def attention(x, w_qkv, b_qkv, w_out, b_out):
        q, k, v = (part.view(batch, tokens, heads, -1).transpose(1, 2)
                   for part in F.linear(x, w_qkv.T, b_qkv).split(channels, dim=-1))
        o = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return F.linear(o.transpose(1, 2).reshape(x.shape), w_out.T, b_out)

    def eager(tensors, run=attention):
        given = list(tensors.values())
        return lambda: {"y": run(*given)}

    pairs = tokens * tokens / 2
    flops = 2 * batch * tokens * channels * 4 * channels + 4 * batch * channels * pairs
    traffic = (sum(elements(shape) for shape in shapes.values()) + elements(shapes["x"])) * size_of(dtype)
    # The first tokens of a batch are a case by themselves: none sees a later one.
    return Row("multi_head.causal.fwd", dtype, f"B={batch},T={tokens},C={channels},H={heads}", ["flash_mma"], inputs,
               outputs={"y": (shapes["x"], dtype)},
               peers={"torch.eager": eager, "torch.compile": lambda tensors: eager(tensors, compiled(attention))},
               pieces=lambda given, got: [Piece({**given, "x": given["x"][-1:, :JUDGED]}, {"y": got["y"][-1:, :JUDGED]})],
               bytes=traffic, flops=flops, parameters={"heads": float(heads)})
