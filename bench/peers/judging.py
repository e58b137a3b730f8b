"""What was timed, judged: `assay judge` on a part of the tensors, by the bound of the implementation that was timed.

A peer is judged by the bound of ours, which it never promised: its share of that is told, not held against it."""

import json
import os
import subprocess
import tempfile

import torch

NAMES = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16", torch.int32: "I32"}


def write_tensors(path, tensors):
    header, offset, parts = {}, 0, []
    for name, tensor in tensors.items():
        data = tensor.detach().cpu().reshape(-1).view(torch.uint8).numpy().tobytes()
        header[name] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
        parts.append(data)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + b"".join(parts))


class Judge:
    def __init__(self, command):
        self.command = command

    def __call__(self, row, inputs, outputs, side):
        """By output the worst share of the bound over all pieces, and what failed; or the line of what went wrong."""
        ours = side.startswith("assay.")
        by = side.removeprefix("assay.") if ours else row.implementations[0]
        if not ours:  # a peer gives bf16 where ours gives bf16, and maybe leaves outputs out
            outputs = {name: tensor.to(inputs_dtype(row, name)) for name, tensor in outputs.items()}
        shares, failed = {}, []
        for piece in row.pieces(inputs, outputs):
            verdict = self.verdict(row, by, piece)
            if "error" in verdict:
                return verdict
            for each in verdict["outputs"]:
                name, strict = each["tensor"], each["strict"]
                worst = float(strict["worst_fraction"])
                shares[name] = max(worst, shares.get(name, 0.0)) if worst == worst else worst
                failed += [f"{name}: {strict['reason']}"] if strict["reason"] else []
        return {"by": by, "worst_fraction": shares, "failed": failed}

    def verdict(self, row, by, piece):
        with tempfile.TemporaryDirectory() as folder:
            given, got = (os.path.join(folder, name) for name in ("in.safetensors", "got.safetensors"))
            write_tensors(given, piece.inputs)
            write_tensors(got, piece.outputs)
            words = [self.command, "judge", row.function, "--impl", by, "--in", given, "--got", got, "--json"]
            words += [word for name, value in row.parameters.items() for word in ("--param", f"{name}={value:g}")]
            words += [word for name, size in row.sizes.items() for word in ("--size", f"{name}={size}")]
            ended = subprocess.run(words, capture_output=True, text=True)
        if ended.returncode not in (0, 1):
            return {"error": (ended.stderr or f"ended with {ended.returncode}").strip().splitlines()[-1]}
        return json.loads(ended.stdout)


def inputs_dtype(row, name):
    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[row.outputs[name][1]]


def wrong(verdict, side):
    """In a line, or nothing. Nothing is held against a peer but that it could not be judged."""
    if "error" in verdict:
        return "not judged: " + verdict["error"]
    if side.startswith("assay.") and verdict["failed"]:
        return verdict["failed"][0]
    return ""
