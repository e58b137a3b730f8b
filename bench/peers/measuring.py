"""One row, measured: copies of its tensors, the sides by turns, and a verdict on what was timed."""

import warnings

import torch

import judging
import ratios
from timing import by_turns

AGAIN = ".again"  # ours once more, as a side of its own: A/A


class Copies:
    """The tensors of a row, several times over, and on each what every side runs."""

    def __init__(self, row, place):
        self.row, self.place, self.inputs = row, place, []
        held, least = 0, max(place.rotation_bytes(), 1)
        while held < least or len(self.inputs) < 2:
            self.inputs.append(row.inputs(place))
            held += sum(each.numel() * each.element_size() for each in self.inputs[-1].values())
            held += sum(place.poisoned(*spec).nbytes for spec in row.outputs.values())
        self.results, self.kept = {}, {}

    def add_ours(self, side, implementation):
        calls, self.results[side] = [], []
        for inputs in self.inputs:
            outputs = {name: self.place.poisoned(*spec) for name, spec in self.row.outputs.items()}
            tensors = list(inputs.values()) + list(outputs.values())
            calls.append(self.place.prepare(self.row.function, implementation, tensors, list(self.row.parameters.values())))
            self.results[side].append(outputs)
        self.kept[side] = calls

        def queued():
            for call, _ in calls:
                call.launch()
            if not self.place.on_gpu:  # the emulator runs when it is waited for
                self.place.queue.synchronize()
        return self.tried(queued)

    def add_peer(self, side, prepare):
        runs = [self.place.on_stream(lambda inputs=inputs: prepare(inputs)) for inputs in self.inputs]
        results = self.results[side] = [None] * len(runs)

        def queued():
            for i, run in enumerate(runs):
                results[i] = run()  # what was there before lives until now: outputs rotate too
        return self.tried(queued)

    def tried(self, queued):
        """`queued`, once it has run: what cannot run is found out before anything is timed."""
        self.place.synchronize()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch says in several what a backend lacks
            self.place.on_stream(queued)
        self.place.synchronize()
        return queued

    def drop(self, side):
        self.results.pop(side, None)
        self.kept.pop(side, None)
        if self.place.on_gpu:
            torch.cuda.empty_cache()


def sides_of(row, copies, wanted):
    """What can run: by side a function; and by side, in a line, why not."""
    sides, absent = {}, {}
    plans = [("assay." + by, lambda side, by=by: copies.add_ours(side, by)) for by in row.implementations]
    first = row.implementations[0]
    plans.append(("assay." + first + AGAIN, lambda side: copies.add_ours(side, first)))
    plans += [(side, lambda side, prepare=prepare: copies.add_peer(side, prepare)) for side, prepare in row.peers.items()]
    for side, plan in plans:
        if not wanted(side):
            continue
        try:
            sides[side] = plan(side)
        except Exception as wrong:  # a backend that is not there, no memory, a kernel that declines
            copies.drop(side)
            absent[side] = f"{type(wrong).__name__}: {wrong}".strip().splitlines()[0]
    return sides, absent


def measured(row, place, turns, judge, roofs, wanted):
    """A row of summary.json."""
    copies = Copies(row, place)
    sides, absent = sides_of(row, copies, wanted)
    times = by_turns(sides, place.clock, turns) if sides else {}
    place.synchronize()
    passes = len(copies.inputs)
    taken = {side: rates([each / passes for each in seconds], row, roofs) for side, seconds in times.items()}
    for side, result in taken.items():
        if not side.endswith(AGAIN):
            result["verdict"] = judge(row, copies.inputs[-1], copies.results[side][-1], side)
            result["wrong"] = result["wrong"] or judging.wrong(result["verdict"], side)
    return summarized(row, place, taken, absent, turns, "assay." + row.implementations[0], passes)


def rates(seconds, row, roofs):
    """A side's samples, and what they come to."""
    result = {"seconds": seconds} | ratios.quantiles(seconds)
    result["flops_per_second"] = row.flops / result["p50"] if row.flops else None
    result["bytes_per_second"] = row.bytes / result["p50"]
    result["fraction_of_copy"] = result["bytes_per_second"] / roofs["bytes_per_second"] if roofs else None
    result["wrong"] = accounting_error(result, roofs)
    return result


def summarized(row, place, taken, absent, turns, ours, copies):
    compared = {side: ratios.ratio(taken[side]["seconds"], taken[ours]["seconds"])
                for side in taken if side != ours and ours in taken}
    return {"name": row.name(place.backend), "function": row.function, "flops": row.flops, "bytes": row.bytes,
            "copies": copies, "samples": 2 * turns, "sides": taken, "not_run": absent,
            "times_of_ours": compared}  # a side's time over ours: above 1, ours is faster


def accounting_error(result, roofs):
    """What is faster than the machine was counted or timed wrongly."""
    for what in ("bytes_per_second", "flops_per_second"):
        if roofs and result[what] and result[what] > roofs[what]:
            return f"accounting error: {result[what]:.4g} {what.replace('_', ' ')} are more than the roof, {roofs[what]:.4g}"
    return ""
