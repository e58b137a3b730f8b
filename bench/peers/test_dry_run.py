#!/usr/bin/env python3
"""peers.py from end to end without a GPU: test_dry_run.py BUILD. Exits with 77 where there is no PyTorch."""

import contextlib
import io
import json
import os
import sys
import tempfile
import unittest
from unittest import mock

import peers

try:
    import measuring
    import place as places
    import rows_elementwise
    import table
    import torch
except ModuleNotFoundError as missing:
    print(f"peers: not run ({missing.name} is not installed)")
    sys.exit(77)

BUILD = os.path.abspath(sys.argv.pop()) if len(sys.argv) > 1 else sys.exit(__doc__)


class TheDryRun(unittest.TestCase):
    def run_peers(self, *words):
        """Exit status, what was printed, and the rows of summary.json."""
        with tempfile.TemporaryDirectory() as out, contextlib.redirect_stdout(io.StringIO()) as told:
            code = peers.main(["--dry", "--build", BUILD, "--out", out, *words])
            with open(os.path.join(out, "summary.json")) as file:
                summary = json.load(file)
            return code, told.getvalue(), summary

    def test_times_and_judges_every_row_and_says_that_no_gpu_was_timed(self):
        code, told, summary = self.run_peers()
        self.assertEqual(code, 0, told)
        self.assertIn("no GPU was timed", told)
        self.assertEqual((summary["context"]["device"], summary["context"]["roofs"]), ("cpu", None))
        self.assertEqual([row["name"] for row in summary["rows"]], [row.name("emulator") for row in table.rows(True)])
        for row, of in zip(summary["rows"], table.rows(True)):
            with self.subTest(row["name"]):
                self.check_row(row, of)

    def check_row(self, row, of):
        ours = ["assay." + by for by in of.implementations]
        self.assertTrue({*ours, ours[0] + ".again"} <= set(row["sides"]))
        self.assertTrue(any(side.startswith("torch.") for side in row["sides"]))
        for side, taken in row["sides"].items():
            self.assertEqual(len(taken["seconds"]), row["samples"])
            if side in ours:
                self.assertEqual(set(taken["verdict"]["worst_fraction"]), set(of.outputs) - set(of.unjudged))
        self.assertEqual(set(row["times_of_ours"]), set(row["sides"]) - {ours[0]})

    def test_a_kernel_that_computes_something_else_has_no_time(self):
        wrong = mock.patch.dict(rows_elementwise.FORWARD, {"gelu.erf": ("naive", torch.relu)})
        prepare = measuring.Copies.add_ours
        other = mock.patch.object(measuring.Copies, "add_ours", lambda self, side, by: (
            setattr(self.row, "function", "relu.plain.fwd"), prepare(self, side, "select"),
            setattr(self.row, "function", "gelu.erf.fwd"))[1])
        with wrong, other:
            code, told, summary = self.run_peers("--only", "gelu.erf.fwd", "--sides", "assay.naive,torch.eager")
        self.assertEqual(code, 1)
        self.assertIn("WRONG  y: ", told)
        self.assertTrue(summary["rows"][0]["sides"]["assay.naive"]["wrong"])
        # The peer computes the same wrong thing; nothing is held against it.
        self.assertGreater(summary["rows"][0]["sides"]["torch.eager"]["verdict"]["worst_fraction"]["y"], 1)
        self.assertEqual(summary["rows"][0]["sides"]["torch.eager"]["wrong"], "")

    def test_an_output_that_was_not_written_is_wrong(self):
        # Zeros would be right here: what is there before must be no number.
        normal = places.Place.normal
        negative = mock.patch.object(places.Place, "normal", lambda *given: -normal(*given).abs())
        with negative, mock.patch("kernels.Call.launch", lambda self: None):
            code, told, _ = self.run_peers("--only", "relu.plain.fwd", "--sides", "assay.select")
        self.assertEqual(code, 1)
        self.assertIn("WRONG", told)

    def test_what_cannot_run_is_told_and_the_rest_goes_on(self):
        with mock.patch.dict(rows_elementwise.FORWARD, {"relu.plain": ("select", lambda x: x.no_such_thing())}):
            code, told, summary = self.run_peers("--only", "relu.plain.fwd")
        self.assertEqual(code, 0)
        self.assertRegex(summary["rows"][0]["not_run"]["torch.eager"], "AttributeError: .*no_such_thing")
        self.assertRegex(told, "torch.eager +not run: AttributeError")

    def test_a_row_of_which_nothing_of_ours_runs_is_no_success(self):
        with mock.patch.dict(rows_elementwise.FORWARD, {"relu.plain": ("none", torch.relu)}):
            code, told, _ = self.run_peers("--only", "relu.plain.fwd", "--sides", "assay.*")
        self.assertEqual(code, 1)
        self.assertIn("relu.plain.fwd: no kernel 'none'", told)

    def test_a_figure_above_its_roof_is_an_accounting_error(self):
        roofs = {"bytes_per_second": 4e12, "flops_per_second": 8e14}
        for bytes_per_second, flops_per_second, expected in ((3.9e12, 7e14, ""), (4.1e12, None, "4.1e.12 bytes per second"),
                                                             (1e12, 9e14, "9e.14 flops per second")):
            taken = {"bytes_per_second": bytes_per_second, "flops_per_second": flops_per_second}
            self.assertRegex(measuring.accounting_error(taken, roofs), f"^accounting error: {expected}" if expected else "^$")

    def test_bad_input_is_one_line(self):
        for words, line in ((["--only", "none"], "--only none: no such row"), (["--turns", "-1"], "--turns -1: 1 at least")):
            with contextlib.redirect_stderr(io.StringIO()) as told:
                with tempfile.TemporaryDirectory() as out:
                    self.assertEqual(peers.main(["--dry", "--build", BUILD, "--out", out, *words]), 2)
            self.assertIn(line, told.getvalue())
        with contextlib.redirect_stderr(io.StringIO()) as told:
            self.assertEqual(peers.main(["--dry"]), 2)
        self.assertIn("--out FOLDER is missing", told.getvalue())

    @unittest.skipIf(torch.cuda.is_available(), "there is a GPU")
    def test_without_a_gpu_it_says_not_run(self):
        with contextlib.redirect_stdout(io.StringIO()) as told, tempfile.TemporaryDirectory() as out:
            self.assertEqual(peers.main(["--build", BUILD, "--out", out]), 77)
        self.assertIn("cuda: not run (no device)", told.getvalue())


if __name__ == "__main__":
    unittest.main()
