"""A golden file, and the cases that it holds. golden/README.md says what is in one."""

import json
import struct

from settled import to_fp32

DTYPES = {"F32": ("fp32", "f", 4), "F16": ("fp16", "e", 2), "F64": ("fp64", "d", 8), "BF16": ("bf16", "H", 2),
          "I32": ("int32", "i", 4)}


def decoded(dtype, raw):
    _, code, size = DTYPES[dtype]
    numbers = struct.unpack(f"<{len(raw) // size}{code}", raw)
    if dtype == "BF16":
        return [struct.unpack("<f", struct.pack("<I", bits << 16))[0] for bits in numbers]
    return list(numbers)


def read(path):
    with open(path, "rb") as file:
        contents = file.read()
    length = struct.unpack("<Q", contents[:8])[0]
    header = json.loads(contents[8 : 8 + length])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = DTYPES[entry["dtype"]][0], entry["shape"], decoded(entry["dtype"], contents[begin:end])
    return metadata, tensors


class Case:
    def __init__(self, text):
        _, self.function, types, shape, *_ = text.split("/")
        self.types = dict(field.split("=") for field in types.split(","))
        self.shape = {key: float(value) for key, value in (field.split("=") for field in shape.split(","))}
        self.component, self.variant, self.direction = self.function.split(".")

    def parameter(self, name):
        return to_fp32(self.shape.get(name, 1.0))
