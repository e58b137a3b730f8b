#!/usr/bin/env python3
"""How long the reference takes for GPT-2, beside PyTorch in float64: gpt2_speed.py build/gpt2_forward_time

A model of random weights (fp32), loaded once by each; forward passes by turns, ABBA, on the same cores in one run. Prints
the median time of each and the median of the ratios of neighbours; --at-most N makes a ratio beyond N a failure.

Exit status: 0; 1 where the ratio is beyond N; 2 for bad input; 77 where PyTorch or transformers is not there.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

try:
    import gpt2_model
    import gpt2_torch
    import tensor_file
except ModuleNotFoundError as missing:
    print(f"not run ({missing.name} is not installed)")
    sys.exit(77)


class Reference:
    """The command: a line in makes one pass, a line out says how many seconds of the clock and of the cores it took."""

    def __init__(self, command, folder, tokens, threads):
        cores = sorted(os.sched_getaffinity(0))[:threads]
        self.process = subprocess.Popen([command, folder, tokens], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=lambda: os.sched_setaffinity(0, cores))

    def seconds(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise ValueError(f"the command ended with {self.process.wait()}")
        return tuple(float(word) for word in line.split())

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Torch:
    def __init__(self, folder, tokens, threads):
        torch = gpt2_torch.torch
        torch.set_num_threads(threads)
        gpt2_torch.transformers.logging.set_verbosity_error()
        gpt2_torch.transformers.logging.disable_progress_bar()
        self.model = gpt2_torch.transformers.GPT2LMHeadModel.from_pretrained(
            folder, dtype=torch.float64, attn_implementation="eager").eval()
        self.tokens = torch.from_numpy(tokens).long()

    def seconds(self):
        clock, cores = time.perf_counter(), time.process_time()
        with gpt2_torch.torch.no_grad():
            self.model(self.tokens)
        return time.perf_counter() - clock, time.process_time() - cores


def measured(reference, peer, turns):
    """Seconds of each pass, by turns; one of each before that does not count, and is returned first."""
    first, times = (reference.seconds(), peer.seconds()), ([], [])
    for turn in range(turns):
        for which in (0, 1) if turn % 2 == 0 else (1, 0):
            times[which].append((reference, peer)[which].seconds())
    return first, times


def parsed(words):
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("command", help="gpt2_forward_time, as it was built")
    options.add_argument("--size", choices=list(gpt2_model.SIZES), default="small")
    options.add_argument("--length", type=int, default=64, help="tokens")
    options.add_argument("--turns", type=int, default=20)
    options.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options.add_argument("--at-most", type=float)
    return options.parse_args(words)


def main(words):
    chosen = parsed(words)
    if not gpt2_torch.torch:
        print(f"not run ({gpt2_torch.absent})")
        return 77
    config = gpt2_model.configuration(chosen.size, "gelu_new", True)
    tokens = gpt2_model.random_tokens(config, 1, chosen.length, 1)
    try:
        with tempfile.TemporaryDirectory() as folder:
            gpt2_model.write_folder(folder, config, gpt2_model.random_weights(config, 1), True)
            given = os.path.join(folder, "in.safetensors")
            tensor_file.write(given, {"tokens": tokens["tokens"]})
            reference = Reference(chosen.command, folder, given, chosen.threads)
            first, times = measured(reference, Torch(folder, tokens["tokens"], chosen.threads), chosen.turns)
            reference.end()
    except (OSError, ValueError) as wrong:
        print(f"gpt2_speed.py: {wrong}", file=sys.stderr)
        return 2
    for name, one, all_of in zip(("reference", "torch"), first, times):
        clock, cores = (statistics.median(each[i] for each in all_of) for i in (0, 1))
        print(f"{name}: median of {len(all_of)} {clock:.3f} s, {cores:.3f} s of cores; the first {one[0]:.3f} s")
    ratio, of_cores = (statistics.median(a[i] / b[i] for a, b in zip(*times)) for i in (0, 1))
    print(f"ratio: {ratio:.2f}, of cores {of_cores:.2f} ({chosen.threads} threads, {chosen.length} tokens, torch {gpt2_torch.torch.__version__})")
    return 1 if chosen.at_most and ratio > chosen.at_most else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
