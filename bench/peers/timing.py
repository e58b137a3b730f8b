"""Sides that take turns, each timed over one pass of the copies of its tensors."""

import gc
import time

from ratios import order_of_turn

LEAST_SAMPLES = 30  # a side, on a GPU
MOST_RETRIES = 20   # of a sample before which the GPU ran dry


class HostClock:
    """CPU seconds of this process: on the emulator and of PyTorch on the CPU, one thread each. They say how the script
    works, and nothing about a GPU."""
    name = "CPU seconds of the process"

    def sample(self, queued):
        before = time.process_time()
        queued()
        return time.process_time() - before


class DeviceClock:
    """Events in the stream, around work that is queued while the GPU is kept waiting: so what is timed is the GPU's
    work back to back, and not how fast Python queues it. A sample before which the wait was over is taken again."""
    name = "CUDA events"

    def __init__(self, torch, stream):
        """`stream` is PyTorch's name for the stream that all of the work is queued in."""
        self.torch, self.stream = torch, stream
        self.begin, self.end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        self.cycles, self.retried = 1_000_000, 0

    def sample(self, queued):
        for _ in range(MOST_RETRIES):
            seconds = self.attempt(queued)
            if seconds is not None:
                return seconds
            self.retried += 1
            self.cycles *= 2
        raise RuntimeError(f"the GPU ran dry in each of {MOST_RETRIES} tries: the work cannot be queued fast enough")

    def attempt(self, queued):
        with self.torch.cuda.stream(self.stream):
            self.torch.cuda._sleep(self.cycles)
            self.begin.record()
            queued()
            in_time = not self.begin.query()
            self.end.record()
        self.end.synchronize()
        return self.begin.elapsed_time(self.end) / 1e3 if in_time else None


class PassClock:
    """Events in the stream around work that nothing is kept waiting for: where the host queues slower than the GPU
    works, its pace is in the time, as it is for whoever runs the pass."""
    name = "CUDA events, with the host's pace"

    def __init__(self, torch):
        self.torch = torch
        self.begin, self.end = (torch.cuda.Event(enable_timing=True) for _ in range(2))

    def sample(self, queued):
        self.torch.cuda.synchronize()
        self.begin.record()
        queued()
        self.end.record()
        self.end.synchronize()
        return self.begin.elapsed_time(self.end) / 1e3


def by_turns(sides, clock, turns):
    """Seconds of every side, two a turn. `sides`: by name, a function that queues one pass over the copies."""
    return answers_by_turns({name: lambda queued=queued: clock.sample(queued) for name, queued in sides.items()}, turns)


def answers_by_turns(sides, turns):
    """What every side answers, two a turn, in the order in which they were asked. The first answer of each, for which
    code and memory were loaded, is not counted."""
    for ask in sides.values():
        ask()
    answers = {name: [] for name in sides}
    gc.collect()
    gc.disable()
    try:
        for turn in range(turns):
            for name in order_of_turn(list(sides), turn):
                answers[name].append(sides[name]())
    finally:
        gc.enable()
    return answers
