"""The passes of a whole GPT-2: prefill, forward with loss and the way back, that and the optimizer's step, and decoding
one token."""

import functools
import math
import os
import subprocess
import tempfile

import torch

from gpt2_model import read_tensors
from gpt2_pass import Pass
from gpt2_yardstick import EACH
from judging import write_tensors
from kernels import KernelError

SMALL = {"vocabulary": 50257, "context": 1024, "channels": 768, "layers": 12, "heads": 12}
TINY = {"vocabulary": 211, "context": 32, "channels": 64, "layers": 2, "heads": 2}
BYTES = 2  # of an element
HOW = {"torch.eager": lambda function: function,
       "torch.compile": lambda function: torch.compile(function, dynamic=False)}
AS_A_GRAPH = {"torch.compile.graph": lambda function: torch.compile(function, dynamic=False, mode="reduce-overhead")}


def rows(dry):
    config, batch, most = (TINY, 2, 3) if dry else (SMALL, 8, 64)
    yield forward(config, batch)
    yield backward(config, batch)
    yield step(config, batch)
    for each in (1, most):
        yield decode(config, each)


def parameters(config):
    c = config["channels"]
    return (config["vocabulary"] + config["context"]) * c + config["layers"] * (12 * c * c + 13 * c) + 2 * c


def products(config, tokens):
    """FLOPs of the matrix products of so many tokens."""
    c = config["channels"]
    return 2 * tokens * (12 * c * c * config["layers"] + c * config["vocabulary"])


def attention(config, batch):
    """FLOPs of causal attention, half of all pairs, as rows_attention counts them."""
    return 4 * batch * config["layers"] * config["channels"] * config["context"] ** 2 / 2


def row_of(work, called, config, batch, bytes, flops, outputs, peers):
    return Pass(work, called, config, batch, config["context"], lambda build: folder_of(build, tuple(config.items())),
                peers, outputs, bytes, flops)


def forward(config, batch):
    tokens = batch * config["context"]
    return row_of("forward", "prefill", config, batch, BYTES * (parameters(config) + tokens * config["vocabulary"]),
                  products(config, tokens) + attention(config, batch), ("logits",), HOW)


def there_and_back(work, called, config, batch, bytes_a_parameter, outputs):
    return row_of(work, called, config, batch, bytes_a_parameter * parameters(config),
                  3 * products(config, batch * config["context"]) + 3.5 * attention(config, batch), outputs, HOW)


def backward(config, batch):
    return there_and_back("backward", "forward_loss_backward", config, batch, 2 * BYTES, ("loss", "gradient", EACH))


def step(config, batch):
    # Also the gradient once more, the master in fp32 and two moments, read and written, and the model's own, written.
    return there_and_back("step", "training_step", config, batch, 2 * BYTES + BYTES + 2 * 3 * 4 + BYTES,
                          ("loss", "gradient", EACH, "norm"))


def decode(config, batch):
    cached = 2 * config["layers"] * batch * config["context"] * config["channels"]
    # Of the two tables one is read whole, as the head; of the other a row.
    read = parameters(config) - config["context"] * config["channels"] + cached
    return row_of("decode", "decode", config, batch, BYTES * (read + batch * config["vocabulary"]), 0, ("logits",),
                  HOW | AS_A_GRAPH)


FOLDERS = []  # they end with the script


@functools.cache
def folder_of(build, config):
    """The folder of a model as `gpt2 init` makes it, which then forgets no part: biases and norms that GPT-2 begins
    with at 0 and 1 are drawn too, and matrices are as large as GPT-2's width would want them."""
    FOLDERS.append(tempfile.TemporaryDirectory())
    folder, sizes = FOLDERS[-1].name, dict(config)
    words = [word for name, size in sizes.items() for word in (f"--{name}", str(size))]
    made = subprocess.run([os.path.join(build, "gpt2"), "init", folder, "--dtype", "bf16", *words],
                          capture_output=True, text=True)
    if made.returncode != 0:
        raise KernelError(made.stderr.strip())
    path, random = os.path.join(folder, "model.safetensors"), torch.Generator().manual_seed(2)
    tensors = read_tensors(path)
    for name, tensor in tensors.items():
        if tensor.dim() == 1:
            tensor += (0.1 * torch.randn(tensor.shape, generator=random)).to(tensor.dtype)
        elif name.startswith("h."):
            tensor *= math.sqrt(SMALL["channels"] / sizes["channels"])
    write_tensors(path, tensors)
    return folder
