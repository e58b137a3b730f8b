"""What meets the whole vocabulary: cross-entropy, loss and gradient of the logits in one call, and embedding, forward and
backward; against PyTorch."""

import torch
import torch.nn.functional as F

from row import Piece, Row, compiled, size_of

JUDGED = 4  # rows


def rows(dry):
    for n, v in ((16, 1000),) if dry else ((8192, 50257), (8192, 50304)):
        yield loss(n, v)
    for tokens, v, c in ((64, 500, 64),) if dry else ((8 * 1024, 50257, 768), (8 * 1024, 50257, 1600)):
        yield lookup(tokens, v, c)
        yield lookup_backward(tokens, v, c)


def loss(n, v, dtype="bf16"):
    def inputs(place):
        targets = torch.randint(v, (n,), generator=place.random, device=place.device, dtype=torch.int32)
        return {"logits": place.normal((n, v), dtype), "targets": targets}

    def entropy(logits, targets):
        return F.cross_entropy(logits.float(), targets, reduction="sum")

    def eager(tensors, run=entropy):
        logits, targets = tensors["logits"].detach().requires_grad_(), tensors["targets"].long()

        def timed():
            total = run(logits, targets)
            return {"gradient": torch.autograd.grad(total, logits)[0], "total": total.detach()}
        return timed

    def pieces(inputs, outputs):
        names = [name for name in ("gradient", "losses") if name in outputs]
        return [Piece({name: each[-JUDGED:] for name, each in inputs.items()},
                      {name: outputs[name][-JUDGED:] for name in names})]

    return Row("cross_entropy.sum.bwd", dtype, f"rows={n},v={v}", ["staged", "staged_unit", "three_pass"], inputs,
               outputs={"gradient": ((n, v), dtype), "losses": ((n,), "fp32"), "total": ((), "fp32")},
               peers={"torch.eager": eager, "torch.compile": lambda tensors: eager(tensors, compiled(entropy))},
               pieces=pieces, unjudged=("total",), bytes=2 * n * v * size_of(dtype) + 8 * n, parameters={"live": 0.0, "scale": 1.0})


def ids_of(place, tokens, v):
    return torch.randint(v, (1, tokens), generator=place.random, device=place.device, dtype=torch.int32)


def lookup(tokens, v, c, dtype="bf16"):
    def inputs(place):
        return {"tokens": place.normal((v, c), dtype), "positions": place.normal((tokens, c), dtype),
                "ids": ids_of(place, tokens, v)}

    def gathered(table, positions, ids):
        return F.embedding(ids, table) + positions

    def eager(tensors, run=gathered):
        given = list(tensors.values())
        return lambda: {"x": run(*given)}

    return Row("embedding.tokens.fwd", dtype, f"T={tokens},V={v},C={c}", ["gather"], inputs,
               outputs={"x": ((1, tokens, c), dtype)},
               peers={"torch.eager": eager, "torch.compile": lambda tensors: eager(tensors, compiled(gathered))},
               pieces=lambda given, got: [Piece({**given, "positions": given["positions"][:JUDGED],
                                                 "ids": given["ids"][:, :JUDGED].contiguous()},
                                                {"x": got["x"][:, :JUDGED].contiguous()})],
               bytes=3 * tokens * c * size_of(dtype) + 4 * tokens)


def lookup_backward(tokens, v, c, dtype="bf16"):
    def inputs(place):
        return {"dx": place.normal((1, tokens, c), dtype), "ids": ids_of(place, tokens, v)}

    def scattered(dx, ids):
        return torch.ops.aten.embedding_dense_backward(dx, ids, v, -1, False), dx[0]

    def eager(tensors, run=scattered):
        given = tensors["dx"], tensors["ids"].long()
        return lambda: dict(zip(("dtokens", "dpositions"), run(*given)))

    def pieces(inputs, outputs):  # columns do not meet
        return [Piece({**inputs, "dx": inputs["dx"][:, :, -JUDGED:].contiguous()},
                      {name: each[:, -JUDGED:].contiguous() for name, each in outputs.items()})]

    return Row("embedding.tokens.bwd", dtype, f"T={tokens},V={v},C={c}", ["sorted", "atomic"], inputs,
               outputs={"dtokens": ((v, c), dtype), "dpositions": ((tokens, c), dtype)},
               peers={"torch.eager": eager, "torch.compile": lambda tensors: eager(tensors, compiled(scattered))},
               pieces=pieces, bytes=(2 * tokens * c + v * c) * size_of(dtype) + 4 * tokens,
               sizes={"v": v, "positions": tokens})
