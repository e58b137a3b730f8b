"""What follows the gradients: their norm with the factor that clips them, and a step of AdamW, over all parameters of
GPT-2 at once; against PyTorch's foreach norm and its fused step."""

import torch

from row import Piece, Row

PARAMETERS = 124_439_808  # of GPT-2 small
TENSORS = 148             # that they are in
JUDGED = 4096
STEP = {"rate": 0.0006, "beta1": 0.9, "beta2": 0.95, "eps": 1e-8, "decay": 0.1, "step": 2000.0}
LIMIT = 1.0


def rows(dry):
    n = 5000 if dry else PARAMETERS
    yield norm(n)
    yield step(n)


def norm(n):
    def prepare(given):
        parts = torch.tensor_split(given["gradients"], TENSORS)  # as many as the model has: foreach is made for that

        def run():
            total = torch.nn.utils.get_total_norm(parts, foreach=True)
            return {"norm": total, "factor": torch.clamp(LIMIT / total, max=1.0)}
        return run

    return Row("global_norm.norm.fwd", "fp32", f"n={n}", ["double_sums", "two_stage"],
               inputs=lambda place: {"gradients": place.normal((n,), "fp32")},
               outputs={"norm": ((), "fp32"), "factor": ((), "fp32")}, peers={"torch.foreach": prepare},
               pieces=lambda given, got: [Piece(given, got)],  # a sum has no part that is a case
               bytes=4 * n, parameters={"limit": LIMIT})


def step(n):
    """Ours writes beside what it reads; PyTorch in place, which moves as many bytes."""
    names = ("weight", "gradient", "mean", "square")

    def inputs(place):
        drawn = {name: place.normal((n,), "fp32") for name in names}
        drawn["square"] = drawn["square"].abs()
        return drawn | {"factor": place.full((), "fp32", 1.0)}

    def prepare(given):
        first, state = ([given["weight"].clone(), given["mean"].clone(), given["square"].clone()] for _ in range(2))
        count = torch.full((), STEP["step"], device=given["weight"].device)

        def fused(weight, mean, square):
            torch._fused_adamw_([weight], [given["gradient"]], [mean], [square], [], [count], lr=STEP["rate"],
                                beta1=STEP["beta1"], beta2=STEP["beta2"], weight_decay=STEP["decay"], eps=STEP["eps"],
                                amsgrad=False, maximize=False)
        fused(*first)  # judged: one step from what ours begins with; what is timed goes on from step to step

        def run():
            fused(*state)
            return dict(zip(("new_weight", "new_mean", "new_square"), first))
        return run

    def last(given, got):
        return [Piece({name: each[-JUDGED:] if each.dim() else each for name, each in given.items()},
                      {name: each[-JUDGED:] for name, each in got.items()})]

    return Row("adamw.step.fwd", "fp32", f"n={n}", ["words", "plain"], inputs,
               outputs={name: ((n,), "fp32") for name in ("new_weight", "new_mean", "new_square")},
               peers={"torch.fused": prepare}, pieces=last, bytes=28 * n, parameters=STEP)
