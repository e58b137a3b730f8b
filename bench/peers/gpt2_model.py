"""GPT-2 (Radford et al. 2019) as PyTorch has its parts, from the folder of a model as `gpt2 init` writes it
(tools/gpt2/README.md): forward, with loss, and one more token against caches.

Every value on the way comes out of a method of its own, so that what rounds at each can stand around it
(gpt2_yardstick.py)."""

import json
import os

import numpy as np
import torch
import torch.nn.functional as F

TORCH_TYPES = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16, "F64": torch.float64}
GOLDEN_RATIO = 2654435769  # 2^32 times its fraction: of caches, as tools/gpt2/kernel_engine.hpp says


def read_tensors(path):
    """Of a safetensors file, by name."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    found = {}
    for name, of in header.items():
        begin, end = of["data_offsets"]
        dtype = TORCH_TYPES[of["dtype"]]
        found[name] = torch.frombuffer(data, dtype=dtype, offset=begin, count=(end - begin) // dtype.itemsize
                                       ).reshape(of["shape"]).clone()
    return found


def read_config(folder):
    with open(os.path.join(folder, "config.json")) as file:
        return json.load(file)


def tokens_of(config, batch, length):
    """Those that `gpt2 time` gives a pass, and their targets: [B, T]."""
    places = torch.arange(batch * length).reshape(batch, length)
    return places % config["vocab_size"], (places + 1) % config["vocab_size"]


class Gpt2(torch.nn.Module):
    def __init__(self, folder, dtype, device):
        super().__init__()
        self.config = read_config(folder)
        self.layers, self.heads, self.eps = (self.config[key] for key in ("n_layer", "n_head", "layer_norm_epsilon"))
        self.names = {}  # a module's attributes have no dots
        for name, tensor in read_tensors(os.path.join(folder, "model.safetensors")).items():
            self.names[name] = name.replace(".", "_")
            setattr(self, self.names[name], torch.nn.Parameter(tensor.to(device, dtype)))

    def weight(self, name):
        return getattr(self, self.names[name])

    # The values on the way.

    def embed(self, tokens, first):
        return F.embedding(tokens, self.weight("wte.weight")) + self.weight("wpe.weight")[first:first + tokens.shape[1]]

    def norm(self, name, x):
        return F.layer_norm(x, x.shape[-1:], self.weight(name + ".weight"), self.weight(name + ".bias"), self.eps)

    def linear(self, name, x):
        return F.linear(x, self.weight(name + ".weight").T, self.weight(name + ".bias"))

    def activate(self, x):
        return F.gelu(x, approximate="tanh")

    def add(self, x, y):
        return x + y

    def attend(self, q, k, v, causal):
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal)

    def head(self, x):
        return x @ self.weight("wte.weight").T

    # The passes.

    def block(self, i, x, attention):
        """`attention`: of q, k, v [B, H, T, D] to the same."""
        batch, length, width = x.shape
        packed = self.linear(f"h.{i}.attn.c_attn", self.norm(f"h.{i}.ln_1", x))
        heads = [part.view(batch, length, self.heads, -1).transpose(1, 2) for part in packed.split(width, dim=-1)]
        joined = attention(i, *heads).transpose(1, 2).reshape(x.shape)
        x = self.add(x, self.linear(f"h.{i}.attn.c_proj", joined))
        active = self.activate(self.linear(f"h.{i}.mlp.c_fc", self.norm(f"h.{i}.ln_2", x)))
        return self.add(x, self.linear(f"h.{i}.mlp.c_proj", active))

    def before_head(self, tokens):
        x = self.embed(tokens, 0)
        for i in range(self.layers):
            x = self.block(i, x, lambda _, q, k, v: self.attend(q, k, v, True))
        return self.norm("ln_f", x)

    def forward(self, tokens):
        """[B, T] to logits [B, T, V]."""
        return self.head(self.before_head(tokens))

    def loss(self, tokens, targets):
        """The mean cross-entropy, of logits as fp32 where they are narrower, as autocast has it."""
        logits = self(tokens).flatten(0, 1)
        return F.cross_entropy(logits.to(torch.promote_types(logits.dtype, torch.float32)), targets.flatten())

    def fill_caches(self, batch, length):
        """[B, H, T, D] for every layer, with the numbers that ours holds as [B, T, H, D]."""
        shape = (batch, length, self.heads, self.config["n_embd"] // self.heads)
        count, of = int(np.prod(shape)), next(self.parameters())
        for c in range(2 * self.layers):
            k = torch.arange(c * count, (c + 1) * count, device=of.device)
            numbers = (((k * GOLDEN_RATIO) & 0xffffffff) >> 16).float() / 2 ** 15 - 1
            # As the model's dtype would be ours': what is wider than bf16 holds the numbers of bf16.
            cache = numbers.bfloat16().to(of.dtype).reshape(shape).transpose(1, 2).contiguous()
            self.register_buffer(f"cache_{c}", cache)

    def decode(self, tokens):
        """[B, 1], the last of sequences whose others are in the caches, to logits [B, V] and the next token [B]."""
        place = self.cache_0.shape[2] - 1

        def attention(i, q, k, v):
            keys, values = getattr(self, f"cache_{2 * i}"), getattr(self, f"cache_{2 * i + 1}")
            keys[:, :, place:] = k
            values[:, :, place:] = v
            return self.attend(q, keys, values, False)
        x = self.embed(tokens, place)
        for i in range(self.layers):
            x = self.block(i, x, attention)
        logits = self.head(self.norm("ln_f", x))[:, 0]
        return logits, logits.argmax(-1)
