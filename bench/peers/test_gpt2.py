#!/usr/bin/env python3
"""The rows of the whole GPT-2: test_gpt2.py BUILD. Exits with 77 where there is no PyTorch."""

import contextlib
import dataclasses
import io
import json
import math
import os
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

import peers

try:
    import gpt2_pass
    import gpt2_yardstick
    import rows_gpt2
    import rows_optimizer
    import torch
    from gpt2_model import Gpt2, read_tensors
except ModuleNotFoundError as missing:
    print(f"peers: not run ({missing.name} is not installed)")
    sys.exit(77)

BUILD = os.path.abspath(sys.argv.pop()) if len(sys.argv) > 1 else sys.exit(__doc__)


def tiny_folder():
    return rows_gpt2.folder_of(BUILD, tuple(rows_gpt2.TINY.items()))


def outcome_of(kind, dtype, work, batch, length):
    model = kind(tiny_folder(), dtype, "cpu")
    if work == "decode":
        model.fill_caches(batch, length)
    return gpt2_yardstick.outcome(model, work, batch, length)


def outside_fp32(got, work, batch, length):
    """What is further from our model in double than the same model in fp32 is. Two ways to compute the same in double
    are some 2^29 times nearer, and one of which any part is another is not."""
    double, single = (outcome_of(Gpt2, dtype, work, batch, length) for dtype in (torch.float64, torch.float32))
    most = gpt2_yardstick.distances(single, double)
    return [name for name, off in gpt2_yardstick.distances(got, double).items() if not off < most[name]]


class TheModel(unittest.TestCase):
    length = 31

    def reference(self, *words):
        ids = ",".join(str(i) for i in range(self.length + (words[0] == "loss")))
        with tempfile.TemporaryDirectory() as folder:
            out = os.path.join(folder, "out")
            subprocess.run([os.path.join(BUILD, "gpt2"), words[0], tiny_folder(), "--ids", ids, "--out", out],
                           check=True, stdout=subprocess.DEVNULL)
            return read_tensors(out)

    def agrees(self, work, got):
        self.assertEqual(outside_fp32(got, work, 1, self.length), [])

    def test_has_the_logits_of_the_reference(self):
        self.agrees("forward", {"logits": self.reference("logits")["logits"][:, -1]})

    def test_has_the_loss_and_gradients_of_the_reference(self):
        found = self.reference("loss")
        self.assertEqual(len(found), 1 + 2 + 12 * rows_gpt2.TINY["layers"] + 2)
        self.agrees("backward", found)

    def test_forgets_no_part(self):
        model = Gpt2(tiny_folder(), torch.bfloat16, "cpu")
        self.assertEqual(sum(each.numel() for each in model.parameters()), rows_gpt2.parameters(rows_gpt2.TINY))
        for name in model.names:
            self.assertGreater(float(model.weight(name).detach().std()), 0, name)

    def test_decodes_what_it_would_see_in_the_whole(self):
        model, length = Gpt2(tiny_folder(), torch.float64, "cpu"), 7
        model.fill_caches(1, length)
        tokens = torch.arange(length)[None]
        attend, seen = model.attend, []
        model.attend = lambda q, k, v, causal: (seen.append((k, v)), attend(q, k, v, causal))[1]
        with torch.no_grad():
            whole = model(tokens)[:, -1]
            for i, (k, v) in enumerate(seen):
                for cache, of in ((2 * i, k), (2 * i + 1, v)):
                    getattr(model, f"cache_{cache}")[:, :, :-1] = of[:, :, :-1]
            logits, token = model.decode(tokens[:, -1:])
        self.assertEqual(outside_fp32({"logits": whole}, "forward", 1, length), [])
        self.assertEqual(outside_fp32({"logits": logits}, "forward", 1, length), [])
        self.assertEqual(int(token), int(whole.argmax()))

    def test_is_as_large_as_the_published_one(self):
        self.assertEqual(rows_gpt2.parameters(rows_gpt2.SMALL), rows_optimizer.PARAMETERS)


class TheYardstick(unittest.TestCase):
    def test_moves_what_bf16_does_not_hold_by_half_a_place_at_most(self):
        x = torch.tensor([0.0, 1.0, -2.5, 255.0, 2.0 ** -100], dtype=torch.float64)
        self.assertEqual(gpt2_yardstick.perturbed(x).tolist(), x.tolist())
        x = torch.full((10000,), 1.001, dtype=torch.float64)
        places = (gpt2_yardstick.perturbed(x) - x) * 2 ** 7
        self.assertLessEqual(float(places.abs().max()), 0.5)
        # Uniform shares: of 10,000 the mean is off by 0.0029 in a standard deviation, the deviation by 0.0013.
        self.assertLess(abs(float(places.mean())), 6 * 0.0029)
        self.assertLess(abs(float(places.std()) - 12 ** -0.5), 6 * 0.0013)

    def test_moves_gradients_as_well(self):
        x = torch.full((3,), 1.001, dtype=torch.float64, requires_grad=True)
        for there, back in ((True, False), (False, True)):
            y = gpt2_yardstick.held(x, there, back)
            self.assertEqual(bool((y != x).all()), there)
            gradient, = torch.autograd.grad(y, x, torch.full_like(x, 1.001))
            self.assertEqual(bool((gradient != 1.001).all()), back)

    def test_runs_the_same_model(self):
        for work in ("forward", "backward", "step", "decode"):
            with mock.patch("gpt2_yardstick.perturbed", lambda x: x):
                got = outcome_of(gpt2_yardstick.Rounded, torch.float64, work, 2, 5)
            self.assertEqual(outside_fp32(got, work, 2, 5), [])

    def test_knows_students_distribution(self):
        # Two degrees of freedom: P(T <= t) = 1/2 + t / (2 sqrt(2 + t^2)). Ten: the tables' 4.587.
        t = gpt2_yardstick.quantile_of_student(1e-3, 2)
        self.assertAlmostEqual(0.5 + t / (2 * math.sqrt(2 + t * t)), 1 - 1e-3, delta=8 * 2 ** -53)  # roundings
        self.assertAlmostEqual(gpt2_yardstick.quantile_of_student(0.0005, 10), 4.587, delta=0.0005)

    def test_holds_every_part_to_its_limit(self):
        yardstick = gpt2_yardstick.Yardstick.__new__(gpt2_yardstick.Yardstick)
        one = torch.ones(1, dtype=torch.float64)
        yardstick.exact = {"loss": one, "gradient.a": one, "gradient.b": 1000 * one}
        yardstick.limits = dict.fromkeys(("loss", "gradient.a", "gradient.b", "gradient"), 0.01)

        def failed(loss, a):
            got = {"loss": loss * one, "gradient.a": a * one, "gradient.b": 1000 * one}
            return [each.split()[0] for each in yardstick.verdict(got)["failed"]]
        self.assertEqual([failed(1.009, 1), failed(1.011, 1)], [[], ["loss"]])
        self.assertEqual([failed(1, 1.011), failed(1, 100)], [["gradient.a"], ["gradient.a", "gradient"]])
        self.assertIn("loss", failed(math.nan, 1))
        lost = {"loss": one, "gradient.a": math.nan * one, "gradient.b": 1000 * one}
        self.assertTrue(math.isnan(yardstick.verdict(lost)["worst_fraction"][gpt2_yardstick.EACH]))


class TheStep(unittest.TestCase):
    batch, length = 2, 9

    def stepped(self, clip, dtype=torch.float32):
        """The model after two steps of PyTorch's, and what is judged of the second."""
        row, = (each for each in rows_gpt2.rows(True) if each.work == "step")
        model = Gpt2(tiny_folder(), dtype, "cpu")
        row = dataclasses.replace(row, batch=self.batch, length=self.length)
        with mock.patch("gpt2_pass.CLIP", clip):
            run = gpt2_pass.peer_of(row, model)(lambda function: function)
            run()
            return model, gpt2_pass.outcome_of(row, model, run())

    def test_judges_gradients_as_they_were_before_they_were_clipped(self):
        _, whole = self.stepped(math.inf)
        _, clipped = self.stepped(float(whole["norm"]) / 8)
        self.assertEqual(set(whole), set(clipped))
        for name, each in whole.items():  # multiplied and divided by one number, each rounded
            off = (clipped[name].double() - each.double()).abs() / each.double().abs()
            self.assertLessEqual(float(off.nan_to_num().max()), 2 * 2 ** -24 * (1 + 2 ** -20), name)  # NaN: of 0

    def test_is_that_of_the_model(self):
        _, got = self.stepped(1.0, torch.float64)  # which autocast leaves alone
        self.assertEqual(outside_fp32(got, "step", self.batch, self.length), [])

    def test_meets_the_same_parameters_again(self):
        model, _ = self.stepped(1.0)
        before = Gpt2(tiny_folder(), torch.float32, "cpu")
        for name in model.names:
            self.assertTrue(torch.equal(model.weight(name), before.weight(name)), name)


class TheRows(unittest.TestCase):
    def run_peers(self, *words):
        with tempfile.TemporaryDirectory() as out, contextlib.redirect_stdout(io.StringIO()) as told:
            code = peers.main(["--dry", "--build", BUILD, "--out", out, *words])
            with open(os.path.join(out, "summary.json")) as file:
                return code, told.getvalue(), json.load(file)["rows"]

    def test_a_model_of_ours_that_computes_something_else_has_no_time(self):
        def other(build, config, folder_of=rows_gpt2.folder_of):
            path = os.path.join(folder_of(build, config), "model.safetensors")
            tensors = read_tensors(path)
            tensors["h.1.mlp.c_fc.bias"].zero_()
            made = tempfile.TemporaryDirectory()
            self.addCleanup(made.cleanup)
            folder = made.name
            rows_gpt2.write_tensors(os.path.join(folder, "model.safetensors"), tensors)
            with open(os.path.join(folder, "config.json"), "w") as file:
                json.dump(gpt2_pass.Gpt2(folder_of(build, config), torch.bfloat16, "cpu").config, file)
            return folder
        begin = gpt2_pass.ours_of

        def begin_other(row, *more):
            with mock.patch.object(row, "folder", lambda build: other(build, tuple(row.config.items()))):
                return begin(row, *more)
        with mock.patch("gpt2_pass.ours_of", begin_other):
            code, told, rows = self.run_peers("--only", "gpt2.*")
        self.assertEqual((code, told.count("WRONG")), (1, 2 * len(rows)), told)
        for row in rows:
            self.assertTrue(row["sides"]["assay.plain"]["wrong"])
            self.assertTrue(row["sides"]["assay.graph"]["wrong"])
            self.assertEqual(row["sides"]["torch.eager"]["wrong"], "")

    def test_a_model_of_pytorch_that_computes_something_else_is_told(self):
        class Other(Gpt2):
            def activate(self, x):
                return torch.relu(x)
        with mock.patch("gpt2_pass.Gpt2", Other):
            code, told, rows = self.run_peers("--only", "gpt2.*", "--sides", "assay.plain,torch.eager")
        self.assertEqual((code, told.count("WRONG")), (0, 0), told)
        for row in rows:
            verdict = row["sides"]["torch.eager"]["verdict"]
            self.assertGreater(max(verdict["worst_fraction"].values()), 1)
            self.assertIn("off; rounding makes", verdict["failed"][0])

    def test_what_cannot_run_is_told_and_the_rest_goes_on(self):
        with mock.patch.dict(rows_gpt2.HOW, {"torch.eager": lambda function: function.no_such_thing}):
            code, told, rows = self.run_peers("--only", "gpt2.prefill")
        self.assertEqual(code, 0)
        self.assertRegex(told, "torch.eager +not run: AttributeError")
        with mock.patch("gpt2_pass.ours_of", side_effect=gpt2_pass.KernelError("no such command")):
            code, told, rows = self.run_peers("--only", "gpt2.prefill")
        self.assertEqual(code, 1)  # nothing of ours ran
        self.assertRegex(told, "assay.plain +not run: KernelError: no such command")

    def test_a_pass_is_replayed_too_as_a_side_of_its_own(self):
        ask, asked = gpt2_pass.TurnsProcess.ask, []

        def noted(self):
            asked.append(ask(self))
            return asked[-1]
        with mock.patch("gpt2_pass.TurnsProcess.ask", noted):
            code, told, rows = self.run_peers("--only", "gpt2.prefill", "--sides", "assay.*")
        self.assertEqual(code, 0, told)
        for side, times in (("assay.plain", "seconds"), ("assay.graph", "graph_seconds")):
            taken = rows[0]["sides"][side]["seconds"]
            self.assertEqual(len(taken), rows[0]["samples"])
            self.assertTrue({*taken} <= {each[times] for each in asked})
        self.assertIn("assay.graph", rows[0]["times_of_ours"])


if __name__ == "__main__":
    unittest.main()
