"""GPT-2s with random weights, as folders that Hugging Face's loader and assay's read; tokens and targets for them."""

import json
import os

import numpy as np

import tensor_file
from gpt2_numpy import PREFIX

SIZES = {
    "tiny": dict(n_layer=2, n_head=2, n_embd=16, n_positions=16, vocab_size=50),
    "small": dict(n_layer=12, n_head=12, n_embd=768, n_positions=1024, vocab_size=50257),
}


def configuration(size, activation, tied):
    return {"model_type": "gpt2", "architectures": ["GPT2LMHeadModel"], **SIZES[size], "n_inner": None,
            "activation_function": activation, "layer_norm_epsilon": 1e-5, "tie_word_embeddings": tied,
            "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0, "bos_token_id": 0, "eos_token_id": 0}


def shapes(config):
    width, inner = config["n_embd"], config.get("n_inner") or 4 * config["n_embd"]
    found = {"wte.weight": (config["vocab_size"], width), "wpe.weight": (config["n_positions"], width),
             "ln_f.weight": (width,), "ln_f.bias": (width,)}
    for at in (f"h.{i}." for i in range(config["n_layer"])):
        for name in ("ln_1", "ln_2"):
            found |= {f"{at}{name}.weight": (width,), f"{at}{name}.bias": (width,)}
        for name, rows, columns in (("attn.c_attn", width, 3 * width), ("attn.c_proj", width, width),
                                    ("mlp.c_fc", width, inner), ("mlp.c_proj", inner, width)):
            found |= {f"{at}{name}.weight": (rows, columns), f"{at}{name}.bias": (columns,)}
    if not config["tie_word_embeddings"]:
        found["lm_head.weight"] = found["wte.weight"]
    return found


def random_weights(config, seed):
    """fp32, with everything in it that GPT-2's own initialisation leaves at 0 or 1: biases, and scales of layer norms.
    Matrices keep the size of what they are given, so that scores and logits differ and gradients reach every weight."""
    random, weights = np.random.default_rng(seed), {}
    for name, shape in shapes(config).items():
        draw = random.standard_normal(shape)
        if name.endswith(".bias"):
            draw *= 0.1
        elif ".ln_" in name or name.startswith("ln_"):
            draw = 1 + 0.2 * draw
        elif name in ("wte.weight", "wpe.weight", "lm_head.weight"):
            draw *= config["n_embd"] ** -0.5
        else:
            draw *= shape[0] ** -0.5
        weights[name] = draw.astype(np.float32)
    return weights


def random_tokens(config, batch, length, seed):
    """int32 [batch, length] each: tokens, and targets that are others."""
    random = np.random.default_rng(seed + 1)
    tokens, targets = (random.integers(config["vocab_size"], size=(batch, length), dtype=np.int32) for _ in range(2))
    return {"tokens": tokens, "targets": targets}


def write_folder(folder, config, weights, prefix):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "config.json"), "w") as file:
        json.dump(config, file, indent=1)
    named = {(PREFIX if prefix and name != "lm_head.weight" else "") + name: value for name, value in weights.items()}
    tensor_file.write(os.path.join(folder, "model.safetensors"), named, {"format": "pt"})
