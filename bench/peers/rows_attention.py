"""Attention, forward and backward, and decoding against a cache: against PyTorch's scaled_dot_product_attention with one
of its backends forced."""

import math

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import scaled_dot_product_attention

from row import Piece, Row, elements, size_of

BACKENDS = {"torch.flash": SDPBackend.FLASH_ATTENTION, "torch.cudnn": SDPBackend.CUDNN_ATTENTION,
            "torch.math": SDPBackend.MATH}
TOKENS, CHANNELS = 16384, 2048  # batch * T, heads * D: as the papers on flash attention have them
JUDGED = 64  # queries, or keys: a tile


def rows(dry):
    lengths = (64, 128) if dry else (512, 1024, 2048, 4096, 8192, 16384)
    tokens, channels = (256, 256) if dry else (TOKENS, CHANNELS)
    for variant in ("causal", "dense"):
        for width in (64, 128):
            for length in lengths:
                shape = (tokens // length, length, channels // width, width)
                yield forward(variant, shape)
                yield backward(variant, shape)
    for megabytes in ((1,) if dry else (16, 64, 256, 1024, 4096)):
        for width in (64, 128):
            yield decode(megabytes << 20, 1 if dry else 8, 2 if dry else 8, 1 if dry else 4, width)


def seen_pairs(variant, length):
    """Of queries and keys; half where causal, as every published figure counts."""
    return length * length / (2 if variant == "causal" else 1)


def parts(batch, length, heads, width, dtype="bf16"):
    q, kv = ((batch, length, heads, 1, width), dtype), ((batch, length, heads, width), dtype)
    return {"q": q, "k": kv, "v": kv, "o": q, "do": q, "dq": q, "dk": kv, "dv": kv,
            "lse": ((batch, heads, 1, length), "fp32")}


def traffic(specs):
    return sum(elements(shape) * size_of(dtype) for shape, dtype in specs)


def size_text(batch, length, heads, width):
    return f"B={batch},T={length},H={heads},D={width}"


def as_heads_of(tensor):
    """[batch, tokens, heads, (1,) D] as PyTorch's [batch, heads, tokens, D], in the same memory."""
    return (tensor.squeeze(3) if tensor.dim() == 5 else tensor).transpose(1, 2)


def forward(variant, shape):
    specs = parts(*shape)
    outputs = {name: specs[name] for name in ("o", "lse")}
    return Row(f"attention.{variant}.fwd", "bf16", size_text(*shape), ["flash_mma"],
               inputs=lambda place: {name: place.normal(*specs[name]) for name in ("q", "k", "v")}, outputs=outputs,
               peers={side: lambda given, backend=backend: peer_forward(given, variant == "causal", backend)
                      for side, backend in BACKENDS.items()},
               pieces=lambda given, got: [last_queries({**given, **got}, ("q", "k", "v"), ("o", "lse"))],
               bytes=traffic([specs[name] for name in ("q", "k", "v", "o", "lse")]),
               flops=4 * shape[0] * shape[2] * shape[3] * seen_pairs(variant, shape[1]), parameters={"scale": 0.0})


def peer_forward(given, causal, backend):
    # Gradients are asked for, so that the log-sum-exp, which ours writes too, is written (`math` has none).
    q, k, v = (as_heads_of(given[name]).detach().requires_grad_() for name in ("q", "k", "v"))

    def run():
        with sdpa_kernel(backend):
            return {"o": scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2).unsqueeze(3)}
    return run


def backward(variant, shape):
    specs = parts(*shape)
    given = ("q", "k", "v", "o", "lse", "do")
    gradients = {name: specs[name] for name in ("dq", "dk", "dv")}

    def inputs(place):
        tensors = {name: place.normal(*specs[name]) for name in ("q", "k", "v")}
        tensors |= {name: place.poisoned(*specs[name]) for name in ("o", "lse")}
        call, _ = place.prepare(f"attention.{variant}.fwd", "flash_mma", list(tensors.values()), [0.0])
        place.synchronize()
        call.launch()
        place.synchronize()
        return tensors | {"do": place.normal(*specs["do"])}

    return Row(f"attention.{variant}.bwd", "bf16", size_text(*shape), ["flash_mma", "flash_mma_atomic"],
               inputs=inputs, outputs=gradients,
               peers={side: lambda of, backend=backend: peer_backward(of, variant == "causal", backend)
                      for side, backend in BACKENDS.items()},
               pieces=lambda of, got: [last_queries({**of, **got}, given, ("dq",)),
                                       last_keys({**of, **got}, given, ("dk", "dv"))],
               bytes=traffic([specs[name] for name in given + tuple(gradients)]),
               flops=2.5 * 4 * shape[0] * shape[2] * shape[3] * seen_pairs(variant, shape[1]), parameters={"scale": 0.0})


def peer_backward(given, causal, backend):
    leaves = [as_heads_of(given[name]).detach().requires_grad_() for name in ("q", "k", "v")]
    above = as_heads_of(given["do"])
    with sdpa_kernel(backend):
        o = scaled_dot_product_attention(*leaves, is_causal=causal)

    def run():
        dq, dk, dv = (each.transpose(1, 2) for each in torch.autograd.grad(o, leaves, above, retain_graph=True))
        return {"dq": dq.unsqueeze(3), "dk": dk, "dv": dv}
    return run


# Pieces: the last batch and head. Its last queries with all keys are a case by themselves (the mask is aligned at the
# end); so are its last keys with all queries, of a gradient, which takes lse and o as they are.

def sliced(tensors, names, queries, keys):
    cuts = {"lse": lambda t: t[-1:, -1:, :, queries]}
    for name in ("q", "o", "do", "dq"):
        cuts[name] = lambda t: t[-1:, queries, -1:]
    for name in ("k", "v", "dk", "dv"):
        cuts[name] = lambda t: t[-1:, keys, -1:]
    return {name: cuts[name](tensors[name]) for name in names if name in tensors}


def last_queries(tensors, inputs, outputs):
    queries = slice(-JUDGED, None)
    return Piece(sliced(tensors, inputs, queries, slice(None)), sliced(tensors, outputs, queries, slice(None)))


def last_keys(tensors, inputs, outputs):
    keys = slice(-JUDGED, None)
    return Piece(sliced(tensors, inputs, slice(None), keys), sliced(tensors, outputs, slice(None), keys))


def decode(cache_bytes, batch, heads, group, width):
    """One query a sequence against a cache of keys and values of so many bytes."""
    keys = cache_bytes // (batch * heads * width * 2 * size_of("bf16"))
    q, kv = ((batch, 1, heads, group, width), "bf16"), ((batch, keys, heads, width), "bf16")
    outputs = {"o": q, "lse": ((batch, heads, group, 1), "fp32")}

    def inputs(place):
        return {"q": place.normal(*q), "k": place.normal(*kv), "v": place.normal(*kv),
                "lengths": place.full((batch,), "int32", keys)}

    def piece(given, got):
        of_batch = {name: t[-1:] for name, t in {**given, **got}.items()}
        one = {"lengths": of_batch["lengths"]}
        one |= {name: of_batch[name][:, :, -1:] for name in ("q", "k", "v", "o") if name in of_batch}
        one |= {name: of_batch[name][:, -1:] for name in ("lse",) if name in of_batch}
        return [Piece({name: one[name] for name in given}, {name: one[name] for name in got})]

    size = f"cache={cache_bytes >> 20}MiB,B={batch},K={keys},H={heads * group},Hkv={heads},D={width}"
    return Row("attention.decode.fwd", "bf16", size, ["split", "split_64"], inputs, outputs,
               peers={side: lambda given, backend=backend: peer_decode(given, backend)
                      for side, backend in BACKENDS.items()},
               pieces=piece, bytes=traffic([q, q, kv, kv, outputs["lse"]]),
               flops=4 * batch * heads * group * keys * width, parameters={"scale": 0.0})


def peer_decode(given, backend):
    batch, _, heads, group, width = given["q"].shape
    q = given["q"].reshape(batch, 1, heads * group, width).transpose(1, 2)
    k, v = (given[name].transpose(1, 2) for name in ("k", "v"))

    def run():
        with sdpa_kernel(backend), torch.no_grad():
            o = scaled_dot_product_attention(q, k, v, scale=1 / math.sqrt(width), enable_gqa=group > 1)
            return {"o": o.transpose(1, 2).reshape(batch, 1, heads, group, width)}
    return run
