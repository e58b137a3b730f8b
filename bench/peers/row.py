"""A row of the table of peers: one function of ours at one size, and who else computes it."""

import functools
from dataclasses import dataclass, field


@dataclass
class Piece:
    """A part of a row's tensors that is a case of its own, small enough to be judged; outputs that are left out are not
    those of the case."""
    inputs: dict
    outputs: dict


@dataclass
class Row:
    function: str           # component.variant.direction
    dtype: str
    size: str               # "B=4,T=1024,H=16,D=128"
    implementations: list   # of ours
    inputs: callable        # (place) -> tensors by the contract's names, in its order
    outputs: dict           # name -> (shape, dtype), in the contract's order
    peers: dict             # side -> (tensors) -> run, run() -> outputs by name, some of them
    pieces: callable        # (inputs, outputs) -> [Piece]
    bytes: float            # every input read once, every output written once
    flops: float = 0
    parameters: dict = field(default_factory=dict)
    sizes: dict = field(default_factory=dict)  # of dimensions that no input has
    unjudged: tuple = ()    # outputs that are sums over all of it, of which no piece is a case

    def name(self, backend):
        cache = "cold" if backend == "cuda" else "warm"  # what lies in the host's cache is not asked
        return f"{self.function}/{self.dtype}/{backend}/{cache}/{self.size}"

    def measured(self, place, turns, judge, roofs, wanted):
        from measuring import measured  # needs PyTorch, which a row by itself does not
        return measured(self, place, turns, judge, roofs, wanted)


def size_of(dtype):
    return {"fp32": 4, "int32": 4, "bf16": 2, "fp16": 2}[dtype]


def elements(shape):
    count = 1
    for extent in shape:
        count *= extent
    return count


@functools.cache
def compiled(function):
    """torch.compile of a function, once for all copies."""
    import torch
    return torch.compile(function, dynamic=False)
