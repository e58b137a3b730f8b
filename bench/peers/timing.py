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


def by_turns(sides, clock, turns):
    """Seconds of every side, two a turn, in the order in which they were taken. `sides`: by name, a function that
    queues one pass over the copies. The first pass of each, which loads code and memory, is not counted."""
    for queued in sides.values():
        clock.sample(queued)
    times = {name: [] for name in sides}
    gc.collect()
    gc.disable()
    try:
        for turn in range(turns):
            for name in order_of_turn(list(sides), turn):
                times[name].append(clock.sample(sides[name]))
    finally:
        gc.enable()
    return times
