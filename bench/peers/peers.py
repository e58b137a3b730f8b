#!/usr/bin/env python3
"""Times assay's kernels and their peers by turns, in one process and on one stream.

    peers.py --out FOLDER                 on a GPU
    peers.py --out FOLDER --dry           the same from end to end without one: ours on the emulator, PyTorch on the
                                          CPU, small sizes, few samples; its times say nothing about a GPU
    peers.py --list [--dry]               the rows

FOLDER gets a file of Google Benchmark's JSON for each side (`assay compare FOLDER/torch.flash.json
FOLDER/assay.flash_mma.json`), and summary.json: quantiles, rates, ratios with their intervals, the A/A ratio
(`.again`), what was judged, clocks and power. README.md beside this script says how it measures.

Exit status: 0 where all that ran is right; 1 where ours is out of its bound, or a figure above its roof; 2 for bad
input; 77 where there is no PyTorch, or no GPU.
"""

import argparse
import fnmatch
import os
import sys

import machine
import results
from kernels import KernelError
from timing import LEAST_SAMPLES

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DRY_TURNS = 2


def parsed(words):
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--out", metavar="FOLDER")
    options.add_argument("--dry", action="store_true")
    options.add_argument("--list", action="store_true")
    options.add_argument("--only", metavar="PATTERN", default="*", help="rows, such as 'attention.causal.*D=64'")
    options.add_argument("--sides", metavar="PATTERNS", help="of ours and peers, comma-separated, such as "
                         "'assay.*,torch.flash'; --dry leaves out torch.compile unless it is named here")
    options.add_argument("--turns", type=int, help=f"of two samples a side; {LEAST_SAMPLES // 2} at least on a GPU")
    options.add_argument("--build", metavar="FOLDER", default=os.path.join(ROOT, "build"),
                         help="where libassay_kernels_*.so and assay are")
    return options.parse_args(words)


def chosen_sides(chosen):
    patterns = chosen.sides.split(",") if chosen.sides else ["*"]

    def wanted(side):
        if chosen.dry and not chosen.sides and side.startswith("torch.compile"):
            return False
        return any(fnmatch.fnmatchcase(side, pattern) for pattern in patterns)
    return wanted


def turns_of(chosen):
    least = 1 if chosen.dry else LEAST_SAMPLES // 2
    turns = chosen.turns or (DRY_TURNS if chosen.dry else least)
    if turns < least:
        raise ValueError(f"--turns {turns}: {least} at least, two samples a side each")
    return turns


def line_of(row):
    lines = [row["name"]]
    for side, taken in row["sides"].items():
        rate = taken["flops_per_second"]
        rate = f"{rate / 1e12:9.4g} TFLOP/s" if rate else f"{taken['bytes_per_second'] / 1e9:9.4g} GB/s   "
        of_copy = f" {taken['fraction_of_copy']:.3f} of copy" if taken["fraction_of_copy"] else ""
        times = row["times_of_ours"].get(side)
        times = f" {times['ratio']:.3f} x ours [{times['low']:.3f}, {times['high']:.3f}]" if times else ""
        shares = taken.get("verdict", {}).get("worst_fraction", {})
        shares = " of bound " + ", ".join(f"{name} {share:.3g}" for name, share in shares.items()) if shares else ""
        lines.append(f"  {side:28} {1e6 * taken['p50']:11.4g} us {rate}{of_copy}{times}{shares}")
        lines += [f"    WRONG  {taken['wrong']}"] if taken["wrong"] else []
    return "\n".join(lines + [f"  {side:28} not run: {why}" for side, why in row["not_run"].items()])


def run(chosen, turns):
    import judging
    import place as places
    import table
    import torch
    if not chosen.dry and not torch.cuda.is_available():
        print("cuda: not run (no device); --dry runs the same on the CPU")
        return 77
    backend = "emulator" if chosen.dry else "cuda"
    rows = [row for row in table.rows(chosen.dry) if fnmatch.fnmatchcase(row.name(backend), f"*{chosen.only}*")]
    if not rows:
        raise ValueError(f"--only {chosen.only}: no such row (--list)")
    if chosen.list:
        print("\n".join(f"{row.name(backend)}  {', '.join([*row.implementations, *row.peers])}" for row in rows))
        return 0
    here = places.Place(chosen.build, "cpu" if chosen.dry else "cuda")
    return measure_all(chosen, turns, rows, here, judging.Judge(os.path.join(chosen.build, "assay")))


def measure_all(chosen, turns, rows, here, judge):
    import torch
    roofs = here.roofs()
    context = {"date": machine.present_time(), "executable": "bench/peers/peers.py", "torch": torch.__version__,
               **here.describe(), "gpu": machine.gpu_facts(), "clock": here.clock.name, "roofs": roofs, "dry": chosen.dry}
    folder, right = results.Folder(chosen.out, context), True
    with machine.Conditions() as conditions:
        for row in rows:
            mark = conditions.mark()
            done = row.measured(here, turns, judge, roofs, chosen_sides(chosen))
            done["conditions"] = conditions.since(mark)
            folder.add(done)
            right = right and not any(taken["wrong"] for taken in done["sides"].values())
            right = right and any(side.startswith("assay.") for side in done["sides"])
            print(line_of(done), flush=True)
    if chosen.dry:
        print("dry: the emulator's and the CPU's seconds; no GPU was timed")
    return 0 if right else 1


def main(words):
    chosen = parsed(words)
    try:
        if not chosen.out and not chosen.list:
            raise ValueError("--out FOLDER is missing")
        return run(chosen, turns_of(chosen))
    except ModuleNotFoundError as missing:
        if missing.name not in ("torch", "numpy"):
            raise
        print(f"peers: not run ({missing.name} is not installed)")
        return 77
    except (OSError, ValueError, KernelError) as wrong:
        print(f"peers.py: {wrong}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
