#!/usr/bin/env python3
"""What times our kernels beside others' is itself tested, without PyTorch: test_peers.py BUILD, where the library and
the command are."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import unittest

import numpy as np

import machine
import ratios
import results
import timing
from kernels import KernelError, Library, Tensor
from turns_process import TurnsProcess

BUILD = os.path.abspath(sys.argv.pop()) if len(sys.argv) > 1 else sys.exit(__doc__)


class TheOrder(unittest.TestCase):
    def test_each_side_comes_twice_a_turn_and_a_steady_drift_meets_all_alike(self):
        sides = ["a", "b", "c"]
        for turn in range(6):
            order = ratios.order_of_turn(sides, turn)
            self.assertEqual(len(order), 6)
            places = {side: [at for at, each in enumerate(order) if each == side] for side in sides}
            self.assertEqual({sum(at) for at in places.values()}, {5})

    def test_no_side_always_begins(self):
        self.assertEqual([ratios.order_of_turn(["a", "b"], turn) for turn in (0, 1)], [list("abba"), list("baab")])


class TheRatio(unittest.TestCase):
    def setUp(self):
        self.random = np.random.default_rng(3)

    def sample(self, level, count=60, scatter=0.01):
        return level * np.exp(scatter * self.random.standard_normal(count))

    def test_is_that_of_the_medians_and_lies_in_its_interval(self):
        found = ratios.ratio([2, 2, 4, 4, 6, 6], [1, 1, 2, 2, 3, 3])
        self.assertEqual(found["ratio"], 2)
        self.assertLessEqual(found["low"], 2)
        self.assertGreaterEqual(found["high"], 2)

    def test_a_drift_of_both_sides_widens_no_interval(self):
        drift = np.repeat(np.linspace(1, 2, 30), 2)
        found = ratios.ratio(1.5 * drift, drift)
        self.assertAlmostEqual(found["high"] - found["low"], 0, delta=4 * 2 ** -52)

    def test_its_interval_holds_the_truth_as_often_as_it_says(self):
        runs, held = 200, 0
        for _ in range(runs):
            found = ratios.ratio(self.sample(1.1), self.sample(1))
            held += found["low"] <= 1.1 <= found["high"]
        # Binomial with p = 0.95: five deviations below the mean are 1 in 3 million, and the percentile interval of
        # 30 turns is a little too narrow (Efron and Tibshirani, chapter 13): two deviations more.
        self.assertGreaterEqual(held, 0.95 * runs - 7 * (runs * 0.95 * 0.05) ** 0.5)
        self.assertLess(held, runs)

    def test_refuses_sides_that_did_not_take_turns(self):
        for above, below in (([1, 1], [1, 1, 1, 1]), ([], [])):
            with self.assertRaises(ValueError):
                ratios.ratio(above, below)


class Clockwork:
    """A device whose time is what the work says, and which runs dry when it was not kept waiting long enough."""
    name = "made up"

    def __init__(self):
        self.now, self.log = 0.0, []

    def sample(self, queued):
        before = self.now
        queued()
        return self.now - before


class TheTurns(unittest.TestCase):
    def test_every_sample_is_its_sides_and_the_first_pass_is_not_counted(self):
        clock, seen = Clockwork(), []

        def side(name, seconds):
            def queued():
                clock.now += seconds if seen.count(name) else 100.0
                seen.append(name)
            return queued
        times = timing.by_turns({"a": side("a", 1.0), "b": side("b", 3.0)}, clock, 15)
        self.assertEqual({name: set(taken) for name, taken in times.items()}, {"a": {1.0}, "b": {3.0}})
        self.assertEqual({len(taken) for taken in times.values()}, {timing.LEAST_SAMPLES})
        self.assertEqual(seen[2:6], list("abba"))

    def test_a_sample_before_which_the_gpu_ran_dry_is_taken_again(self):
        clock = timing.DeviceClock.__new__(timing.DeviceClock)
        clock.cycles, clock.retried = 1, 0
        clock.attempt = lambda queued: 0.5 if clock.cycles >= 8 else None
        self.assertEqual(clock.sample(None), 0.5)
        self.assertEqual((clock.cycles, clock.retried), (8, 3))
        clock.attempt = lambda queued: None
        with self.assertRaisesRegex(RuntimeError, "ran dry"):
            clock.sample(None)


ROUNDINGS = 64 * 2 ** -52  # of a few sums of times, all of them below two seconds


class FakeStream:
    """A GPU of one stream, with a clock: work is queued at once, and runs when somebody waits."""

    def __init__(self, seconds_to_queue):
        self.host = self.device = 0.0
        self.seconds_to_queue = seconds_to_queue
        self.cuda = self  # what PyTorch calls torch.cuda

    def stream(self, _):
        return contextlib.nullcontext()

    def run(self, seconds):
        self.device = max(self.device, self.host) + seconds

    def synchronize(self):
        self.host = max(self.host, self.device)

    def _sleep(self, cycles):
        self.run(cycles / 1e9)

    def Event(self, enable_timing):
        return FakeEvent(self)

    def work(self):
        self.host += self.seconds_to_queue
        self.run(1e-3)


class FakeEvent:
    def __init__(self, stream):
        self.stream, self.at = stream, 0.0

    def record(self):
        self.at = max(self.stream.device, self.stream.host)

    def query(self):
        return self.stream.host >= self.at

    def synchronize(self):
        self.stream.host = max(self.stream.host, self.at)

    def elapsed_time(self, other):
        return 1e3 * (other.at - self.at)


class TheDeviceClock(unittest.TestCase):
    def test_times_the_device_and_not_how_fast_work_is_queued(self):
        for seconds_to_queue in (1e-6, 0.5e-3, 20e-3):
            fake = FakeStream(seconds_to_queue)
            clock = timing.DeviceClock(fake, None)
            for _ in range(3):
                self.assertAlmostEqual(clock.sample(lambda: [fake.work() for _ in range(4)]), 4e-3, delta=ROUNDINGS)
            self.assertEqual(clock.retried > 0, 4 * seconds_to_queue >= 1e-3)


class ThePassClock(unittest.TestCase):
    def test_has_the_hosts_pace_where_that_is_slower(self):
        for seconds_to_queue, expected in ((1e-6, 4e-3 + 1e-6), (20e-3, 4 * 20e-3 + 1e-3)):
            fake = FakeStream(seconds_to_queue)
            clock = timing.PassClock(fake)
            for _ in range(3):
                fake.run(0.5)  # of somebody else, before: no part of it
                self.assertAlmostEqual(clock.sample(lambda: [fake.work() for _ in range(4)]), expected, delta=ROUNDINGS)


class TheTurnsOfAProcess(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.model, self.out = os.path.join(folder.name, "model"), os.path.join(folder.name, "out")
        sizes = "--vocabulary 30 --context 4 --channels 8 --heads 1 --layers 1".split()
        subprocess.run([os.path.join(BUILD, "gpt2"), "init", self.model, *sizes], check=True)

    def begun(self, *words):
        return TurnsProcess([os.path.join(BUILD, "gpt2"), "time", self.model, *words])

    def test_come_when_it_is_asked_and_not_before(self):
        ours = self.begun("--length", "3", "--out", self.out)
        self.assertEqual((ours.about["pass"], ours.about["tokens"], ours.about["on"]), ("forward", 3, "emulator"))
        self.assertTrue(all(ours.ask()["seconds"] > 0 for _ in range(3)))
        self.assertFalse(os.path.exists(self.out))
        ours.finish()
        self.assertTrue(os.path.exists(self.out))

    def test_what_it_refuses_or_ends_of_is_told(self):
        with self.assertRaisesRegex(KernelError, "--length 9 is more than the context of 4"):
            self.begun("--length", "9")
        ours = self.begun()
        ours.process.kill()
        with self.assertRaisesRegex(KernelError, "gpt2 ended with -9"):
            ours.ask()
        lost = self.begun("--out", "/none/out")
        with self.assertRaisesRegex(KernelError, "/none/out"):
            lost.finish()


class TheFiles(unittest.TestCase):
    def row(self, ours, theirs, wrong=""):
        sides = {"assay.flash": ours, "torch.flash": theirs}
        return {"name": "attention/T=64", "flops": 1e6, "bytes": 1e3, "sides": {
            side: {"seconds": list(seconds), "p50": float(np.median(seconds)), "wrong": wrong if side[0] == "a" else ""}
            for side, seconds in sides.items()}}

    def compared(self, row):
        with tempfile.TemporaryDirectory() as path:
            results.Folder(path, {"date": "now"}).add(row)
            self.assertEqual(sorted(os.listdir(path)), ["assay.flash.json", "summary.json", "torch.flash.json"])
            with open(os.path.join(path, "summary.json")) as file:
                self.assertEqual(json.load(file)["rows"][0]["name"], "attention/T=64")
            words = [os.path.join(BUILD, "assay"), "compare", "torch.flash.json", "assay.flash.json", "--json"]
            ended = subprocess.run(words, cwd=path, capture_output=True, text=True)
        return ended.returncode, json.loads(ended.stdout)

    def test_assay_compare_reads_them_and_finds_a_slow_side(self):
        even = 1e-3 * (1 + 1e-4 * np.arange(30))
        code, told = self.compared(self.row(1.2 * even, even))
        self.assertEqual((code, told["benchmarks"][0]["answer"]), (3, "SLOW"))
        self.assertAlmostEqual(told["benchmarks"][0]["ratio"], 1.2, delta=1e-3)  # 30 steps of 1e-4 either way
        self.assertEqual(told["benchmarks"][0]["before"][0], even[0])
        code, told = self.compared(self.row(0.8 * even, even))
        self.assertEqual((code, told["benchmarks"][0]["answer"]), (0, "FAST"))

    def test_what_was_wrong_has_no_time(self):
        code, told = self.compared(self.row(np.ones(30), np.ones(30), wrong="o: out of bound"))
        self.assertEqual((code, told["failed"]), (1, {"attention/T=64": "o: out of bound"}))


class TheConditions(unittest.TestCase):
    def test_lines_that_are_cut_or_say_nothing_are_left_out(self):
        text = "80, 2619, 700\n1980, 2619, 512.5, 61, 99\n1755, 2619, 698.1, 64, 100\n1830, 2619, [N/A], 63, 98\n19"
        found = machine.summary(text)
        self.assertEqual(found["clocks.sm"], {"least": 1755, "median": 1830, "largest": 1980})
        self.assertEqual(found["power.draw"], {"least": 512.5, "median": 698.1, "largest": 698.1})
        self.assertEqual(machine.summary("")["clocks.sm"], None)

    def test_are_empty_without_a_program_that_reads_them(self):
        old, os.environ["PATH"] = os.environ["PATH"], ""
        try:
            with machine.Conditions() as conditions:
                self.assertEqual(set(conditions.since(conditions.mark()).values()), {None})
            self.assertIsNone(machine.gpu_facts())
        finally:
            os.environ["PATH"] = old


class TheLibrary(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.library = Library(BUILD, "emulator")

    def setUp(self):
        self.queue = self.library.open()
        self.addCleanup(self.queue.close)

    def tensors(self, *arrays):
        return [Tensor(each.ctypes.data, "fp32", each.shape) for each in arrays]

    def test_runs_a_kernel_on_the_emulator(self):
        x = np.array([-1, 2, -0.0, 3], np.float32)
        y = np.full(4, np.nan, np.float32)
        call = self.queue.prepare("relu.plain.fwd", "select", self.tensors(x, y))
        self.assertEqual(call.workspace_bytes(), 0)
        call.launch()
        self.queue.synchronize()
        self.assertEqual(y.tolist(), [0, 2, 0, 3])
        self.assertIsNone(self.queue.stream())

    def test_takes_parameters_strides_and_scratch_memory(self):
        # Two batches of one head and one key, whose log-sum-exp is the score; q has rows of 4, 3 of them in every 5.
        q, k = np.arange(40, dtype=np.float32).reshape(2, 5, 1, 4), np.ones((2, 1, 1, 4), np.float32)
        v = np.arange(8, dtype=np.float32).reshape(2, 1, 1, 4)
        o, lse = np.full((2, 3, 1, 1, 4), np.nan, np.float32), np.full((2, 1, 1, 3), np.nan, np.float32)
        strided = Tensor(q.ctypes.data, "fp32", (2, 3, 1, 1, 4), (20, 4, 4, 4, 1))
        call = self.queue.prepare("attention.dense.fwd", "naive", [strided] + self.tensors(k, v, o, lse), [0.5])
        scratch = np.empty(call.workspace_bytes(), np.uint8)
        self.assertEqual(scratch.size, 2 * 3 * 4)  # a score in fp32 for each pair
        with self.assertRaisesRegex(KernelError, "scratch"):
            call.launch()
        call.lend(scratch.ctypes.data, scratch.size)
        call.launch()
        self.queue.synchronize()
        self.assertEqual(lse[:, 0, 0].tolist(), (0.5 * q[:, :3, 0].sum(-1)).tolist())
        self.assertEqual(o[:, :, 0, 0].tolist(), np.repeat(v[:, :, 0], 3, axis=1).tolist())

    def test_says_what_it_refuses(self):
        x = np.zeros(4, np.float32)
        with self.assertRaisesRegex(KernelError, "relu.plain.fwd: no kernel 'none' on the emulator"):
            self.queue.prepare("relu.plain.fwd", "none", self.tensors(x, x))
        with self.assertRaisesRegex(KernelError, "unknown dtype 'fp8'"):
            self.queue.prepare("relu.plain.fwd", "select", [Tensor(x.ctypes.data, "fp8", (4,))])
        with self.assertRaisesRegex(KernelError, "expected"):
            self.queue.prepare("relu.plain.fwd", "select", self.tensors(x)).launch()
        with self.assertRaisesRegex(KernelError, "/libassay_kernels_emulator.so"):
            Library("/none", "emulator")

    def test_knows_what_it_has(self):
        self.assertTrue(self.library.has("relu.plain.fwd", "select"))
        self.assertFalse(self.library.has("relu.plain.fwd", "none"))


if __name__ == "__main__":
    unittest.main()
