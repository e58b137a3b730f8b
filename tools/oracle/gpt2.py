#!/usr/bin/env python3
"""An independent oracle for the whole GPT-2: random weights, logits, loss and every gradient in float64.

    gpt2.py [--command COMMAND]      models in numpy, PyTorch and, if given, in assay's command, against each other
    gpt2.py --goldens FILE           writes a tiny model with PyTorch's results
    gpt2.py --verify FILE            holds numpy's, and the command's if given, against such a file

COMMAND is called as `COMMAND logits FOLDER --tokens IN --on reference --out OUT` (int32 "tokens" [B, T] to
float64 "logits" [B, T, V]) and as `COMMAND loss ...` (and int32 "targets" [B, T] to float64 "loss" [1] and
"gradient.NAME" for every weight).

No tolerance is chosen. Where numpy's model runs with noise of the size that rounding has (gpt2_numpy.Noisily),
each element scatters; so does that of any other implementation in float64, and by no more, if it adds up in any
order. A difference is told in the deviation of two such elements, sqrt 2 spread. Measured from K runs, it follows
Student's distribution with K degrees of freedom, so that right implementations differ by more than the limit that
is printed, anywhere, once in a million comparisons. What does not scatter must be equal.

Exit status: 0 where all agree; 1 where not; 2 for bad input; 77 where --torch was asked for and is not there.
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile

import numpy as np

import gpt2_judge
import gpt2_model
import gpt2_numpy
import gpt2_torch
import tensor_file

# Of each size: activation, tied head, names with the prefix.
KINDS = {"tiny": [("gelu_new", True, True), ("gelu", True, False), ("relu", False, True)],
         "small": [("gelu_new", True, True)]}
RUNS = {"tiny": 30, "small": 8}
BATCH = {"tiny": (3, 13), "small": (1, 64)}


def outputs_of_command(command, folder, inputs, scratch):
    """Logits, loss and gradients of a command. Throws ValueError with its last line where it fails."""
    given, results = os.path.join(scratch, "in.safetensors"), {}
    for what in ("logits", "loss"):
        named = {"tokens": inputs["tokens"]} if what == "logits" else inputs
        tensor_file.write(given, named)
        out = os.path.join(scratch, what + ".safetensors")
        words = [*shlex.split(command), what, folder, "--tokens", given, "--on", "reference", "--out", out]
        ended = subprocess.run(words, capture_output=True, text=True)
        if ended.returncode != 0:
            last = (ended.stderr or ended.stdout).strip().splitlines()[-1:]
            raise ValueError(f"{shlex.join(words)} ended with {ended.returncode}: {' '.join(last)}")
        results |= tensor_file.read(out)[0]
    return results


class Report:
    def __init__(self, as_json, every):
        self.as_json, self.every, self.all, self.agree = as_json, every, [], True

    def add(self, title, comparison):
        self.agree = self.agree and comparison.agrees()
        self.all.append({"what": title, **comparison.to_json()})
        if not self.as_json:
            print(f"{title}: {comparison.text(self.every)}", flush=True)

    def note(self, line):
        if not self.as_json:
            print(line, flush=True)

    def finish(self):
        if self.as_json:
            print(json.dumps({"agree": self.agree, "comparisons": self.all}, indent=1))
        else:
            print("all agree" if self.agree else "NOT all agree")
        return 0 if self.agree else 1


def compare_kind(chosen, kind, scratch, report):
    activation, tied, prefix = kind
    config = gpt2_model.configuration(chosen.size, activation, tied)
    weights = gpt2_model.random_weights(config, chosen.seed)
    batch, length = BATCH[chosen.size]
    inputs = gpt2_model.random_tokens(config, chosen.batch or batch, chosen.length or length, chosen.seed)
    folder = os.path.join(chosen.keep or scratch, f"{chosen.size}-{activation}-{'tied' if tied else 'untied'}")
    gpt2_model.write_folder(folder, config, weights, prefix)
    if chosen.keep:
        tensor_file.write(os.path.join(folder, "inputs.safetensors"), inputs)

    loaded = gpt2_numpy.load(folder)
    sides = {"numpy": gpt2_numpy.everything(gpt2_numpy.Gpt2(*loaded), **inputs)}
    if gpt2_torch.torch:
        sides["torch"] = gpt2_torch.everything(folder, **inputs)
    runs = chosen.runs or RUNS[chosen.size]
    spread = gpt2_numpy.spread(*loaded, inputs["tokens"], inputs["targets"], runs, chosen.seed)
    limit = gpt2_judge.limit(spread, runs)
    name = os.path.basename(folder) + f" {list(inputs['tokens'].shape)}"
    if "torch" in sides:
        report.add(f"{name} numpy against torch", gpt2_judge.Comparison(sides["numpy"], sides["torch"], spread, limit))
    if chosen.command:
        got = outputs_of_command(chosen.command, folder, inputs, scratch)
        for side, expected in sides.items():
            report.add(f"{name} command against {side}", gpt2_judge.Comparison(got, expected, spread, limit))


def write_goldens(path, seed):
    activation, tied, _ = KINDS["tiny"][0]
    config, runs = gpt2_model.configuration("tiny", activation, tied), RUNS["tiny"]
    weights = gpt2_model.random_weights(config, seed)
    inputs = gpt2_model.random_tokens(config, *BATCH["tiny"], seed)
    with tempfile.TemporaryDirectory() as folder:
        gpt2_model.write_folder(folder, config, weights, True)
        results = gpt2_torch.everything(folder, **inputs)
        spread = gpt2_numpy.spread(*gpt2_numpy.load(folder), **inputs, runs=runs, seed=seed)
    metadata = {"format": "assay gpt2 golden 1", "config": json.dumps(config), "seed": str(seed), "runs": str(runs),
                "made": "tools/oracle/gpt2.py --goldens", **gpt2_torch.versions(),
                "precision": "weights fp32, everything else computed in float64",
                "spread": "of each result, one standard deviation of what rounding in float64 may do to it",
                "limit": repr(gpt2_judge.limit(spread, runs)),
                "about_limit": "right results differ by at most limit * sqrt(2) * spread, but once in a million files"}
    rounded = {"spread." + name: gpt2_judge.upwards(value) for name, value in spread.items()}
    tensor_file.write(path, {**weights, **inputs, **results, **rounded}, metadata)


def verify_goldens(path, command, report):
    tensors, metadata = tensor_file.read(path)
    config, inputs = json.loads(metadata["config"]), {name: tensors[name] for name in ("tokens", "targets")}
    weights = {name: tensors[name] for name in gpt2_model.shapes(config)}
    spread = {name.removeprefix("spread."): tensors[name] for name in tensors if name.startswith("spread.")}
    expected, limit = {name: tensors[name] for name in spread}, float(metadata["limit"])
    with tempfile.TemporaryDirectory() as scratch:
        folder = os.path.join(scratch, "model")
        gpt2_model.write_folder(folder, config, weights, True)
        sides = {"numpy": gpt2_numpy.everything(gpt2_numpy.Gpt2(*gpt2_numpy.load(folder)), **inputs)}
        if command:
            sides["command"] = outputs_of_command(command, folder, inputs, scratch)
    for side, got in sides.items():
        report.add(f"{os.path.basename(path)} {side} against torch {metadata['torch']}",
                   gpt2_judge.Comparison(got, expected, spread, limit))


def parsed(words):
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--command", help="assay's gpt2, such as build/gpt2")
    options.add_argument("--goldens", metavar="FILE")
    options.add_argument("--verify", metavar="FILE")
    options.add_argument("--torch", action="store_true", help="exit with 77 where PyTorch or transformers is missing")
    options.add_argument("--size", choices=list(gpt2_model.SIZES), default="tiny")
    options.add_argument("--batch", type=int, help="sequences")
    options.add_argument("--length", type=int, help="tokens in each")
    options.add_argument("--runs", type=int, help="with noise, from which the spread is measured")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--keep", metavar="FOLDER", help="leaves the models there")
    options.add_argument("--all", action="store_true", help="a line for every tensor, not for the worst alone")
    options.add_argument("--json", action="store_true")
    return options.parse_args(words)


def main(words):
    chosen = parsed(words)
    report = Report(chosen.json, chosen.all)
    try:
        if not gpt2_torch.torch and not chosen.verify:
            report.note(f"torch: not run ({gpt2_torch.absent})")
            if chosen.torch or chosen.goldens:
                return 77
        if chosen.goldens:
            write_goldens(chosen.goldens, chosen.seed)
            return 0
        if chosen.verify:
            verify_goldens(chosen.verify, chosen.command, report)
            return report.finish()
        if gpt2_torch.torch:
            report.note("numpy {}, torch {torch}, transformers {transformers}".format(np.__version__, **gpt2_torch.versions()))
        elif not chosen.command:
            report.note("nothing to compare: neither PyTorch nor --command")
            return 77
        with tempfile.TemporaryDirectory() as scratch:
            for kind in KINDS[chosen.size]:
                compare_kind(chosen, kind, scratch, report)
        return report.finish()
    except (OSError, ValueError, KeyError) as wrong:
        print(f"gpt2.py: {wrong}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
