"""A pass of the whole GPT-2 as a row: ours in a process of its own, PyTorch's in this one, by turns."""

import os
import tempfile
import warnings
from dataclasses import dataclass

import torch

import judging
import measuring
from gpt2_model import Gpt2, read_tensors, tokens_of
from gpt2_yardstick import Yardstick
from timing import answers_by_turns
from kernels import KernelError
from turns_process import TurnsProcess

OURS, GRAPH = "assay.plain", "assay.graph"
WARMING = 3  # passes: torch.compile, its CUDA graph, and one that is neither
# Of a training step, as `gpt2 time --pass step` has them: with a rate of 0 the next pass meets the same parameters.
STEP = {"lr": 0.0, "betas": (0.9, 0.99), "eps": 1e-8}
DECAY, CLIP = 0.1, 1.0


@dataclass
class Pass:
    work: str         # as `gpt2 time --pass` has it
    called: str       # what it is, in full
    config: dict      # of `gpt2 init`
    batch: int
    length: int
    folder: callable  # (build) -> the folder of a model
    peers: dict       # side -> (function) -> function: how PyTorch runs it
    outputs: tuple    # what is judged
    bytes: float      # what cannot be less: parameters and caches read, results written
    flops: float

    implementations, unjudged = ("plain",), ()

    @property
    def function(self):
        return f"gpt2.{self.called}"

    def name(self, backend):
        of = self.config
        size = f"B={self.batch},T={self.length},L={of['layers']},C={of['channels']},V={of['vocabulary']}"
        return f"{self.function}/bf16/{backend}/{size}"

    def measured(self, place, turns, _judge, roofs, wanted):
        return measured(self, place, turns, roofs, wanted)


def peer_of(row, model):
    """The pass as a function of nothing, by PyTorch's parts as `how` runs them: (how) -> run, run() -> what outcome_of
    takes."""
    device = next(model.parameters()).device
    tokens, targets = (each.to(device) for each in tokens_of(model.config, row.batch, row.length))

    def forward(how):
        run = how(model.forward)
        return torch.no_grad()(lambda: run(tokens))

    def backward(how):
        run, parameters = how(model.loss), list(model.parameters())

        def there_and_back():
            loss = run(tokens, targets)
            return loss.detach(), torch.autograd.grad(loss, parameters)
        return there_and_back

    def step(how):
        # What trains with PyTorch in mixed precision: parameters in fp32, products in bf16, one call for the optimizer.
        run, parameters = how(model.loss), list(model.parameters())
        kinds = [{"params": [each for each in parameters if (each.dim() == 2) == decays],
                  "weight_decay": DECAY if decays else 0.0} for decays in (True, False)]
        optimizer = torch.optim.AdamW(kinds, **STEP, fused=True)

        def whole():
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(device.type, torch.bfloat16):
                loss = run(tokens, targets)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(parameters, CLIP, foreach=True)
            optimizer.step()
            return loss.detach(), [each.grad for each in parameters], norm
        return whole

    def decode(how):
        run, last = how(model.decode), torch.zeros(row.batch, 1, dtype=torch.long, device=device)
        return torch.no_grad()(lambda: run(last))
    return {"forward": forward, "backward": backward, "step": step, "decode": decode}[row.work]


def outcome_of(row, model, got):
    """What is judged of it, by the names of gpt2_yardstick.outcome."""
    if row.work == "forward":
        return {"logits": got[:, -1]}
    if row.work == "decode":
        return {"logits": got[0]}
    loss, gradients, *norm = got
    named = {"loss": loss, **{f"gradient.{name}": each for name, each in zip(model.names, gradients)}}
    if not norm:
        return named
    factor = torch.clamp(CLIP / (norm[0] + 1e-6), max=1.0)  # by which PyTorch has clipped them in place
    return {name: each / factor if name != "loss" else each for name, each in named.items()} | {"norm": norm[0]}


class Peer:
    """A side of PyTorch's; `got`: what its last pass gave."""

    def __init__(self, run, clock):
        self.run, self.clock, self.got = run, clock, None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for _ in range(WARMING):
                self.step()

    def step(self):
        self.got = None  # a CUDA graph writes where it wrote before
        torch.compiler.cudagraph_mark_step_begin()
        self.got = self.run()

    def ask(self):
        return {"seconds": self.clock.sample(self.step)}


def ours_of(row, place, out):
    words = [os.path.join(place.build, "gpt2"), "time", row.folder(place.build), "--pass", row.work, "--dtype", "bf16",
             "--batch", str(row.batch), "--length", str(row.length), "--on", place.backend, "--out", out]
    return TurnsProcess(words)


def sides_of(row, place, model, wanted, out):
    """What can run, by side; and by side, in a line, why not."""
    sides, absent = {}, {}
    plans = {OURS: lambda: ours_of(row, place, out)} if wanted(OURS) else {}
    for side, how in row.peers.items():
        if wanted(side):
            plans[side] = lambda how=how: Peer(peer_of(row, model)(how), place.pass_clock)
    for side, plan in plans.items():
        try:
            sides[side] = plan()
        except Exception as wrong:  # no memory, no compiler, a program that ended
            absent[side] = f"{type(wrong).__name__}: {wrong}".strip().splitlines()[0]
    return sides, absent


def seconds_of(answers):
    """By side. Our process replays the pass as one graph as well: a side of its own."""
    times = {side: [each["seconds"] for each in all_of] for side, all_of in answers.items()}
    if OURS in answers:
        times[GRAPH] = [each["graph_seconds"] for each in answers[OURS]]
    return times


def measured(row, place, turns, roofs, wanted):
    """A row of summary.json."""
    dtype = torch.float32 if row.work == "step" else torch.bfloat16
    model = Gpt2(row.folder(place.build), dtype, place.device)
    if row.work == "decode":
        model.fill_caches(row.batch, row.length)
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.safetensors")
        sides, absent = sides_of(row, place, model, wanted, out)
        asked = {side: each.ask for side, each in sides.items()}
        if OURS in sides:
            asked[OURS + measuring.AGAIN] = sides[OURS].ask
        times = seconds_of(answers_by_turns(asked, turns)) if asked else {}
        results = {side: outcome_of(row, model, each.got) for side, each in sides.items() if side != OURS}
        if OURS in sides:
            sides[OURS].finish()
            results[OURS] = read_tensors(out)
    taken = {side: measuring.rates(seconds, row, roofs) for side, seconds in times.items()}
    judge(row, place, results, taken)
    return measuring.summarized(row, place, taken, absent, turns, OURS, copies=1)


def judge(row, place, results, taken):
    try:
        yardstick = Yardstick(row.folder(place.build), row.work, row.batch, row.length, place.device)
    except RuntimeError as wrong:  # no memory
        for side in taken:
            taken[side]["wrong"] = "not judged: " + str(wrong).splitlines()[0]
        return
    for side, got in results.items():
        moved = {name: each.to(place.device) for name, each in got.items()}
        taken[side]["verdict"] = yardstick.verdict(moved)
        taken[side]["wrong"] = taken[side]["wrong"] or judging.wrong(taken[side]["verdict"], side)
    if GRAPH in taken:  # the process gives what its last pass made
        taken[GRAPH]["wrong"] = taken[GRAPH]["wrong"] or taken[OURS]["wrong"]
