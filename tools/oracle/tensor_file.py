"""safetensors files as dictionaries of numpy arrays, for oracles that cannot count on the package of that name."""

import json

import numpy as np

DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4"}
NAMES = {np.dtype(code): name for name, code in DTYPES.items()}


def read(path):
    """Tensors by name, and the metadata. ValueError, with the path, for what is no such file."""
    with open(path, "rb") as file:
        contents = file.read()
    length = int.from_bytes(contents[:8], "little")
    try:
        header = json.loads(contents[8:8 + length])
    except ValueError:
        raise ValueError(f"{path}: not a safetensors file") from None
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] not in DTYPES:
            raise ValueError(f"{path}: tensor '{name}' is {entry['dtype']}; expected one of {', '.join(DTYPES)}")
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(contents[begin:end], DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return tensors, metadata


def write(path, tensors, metadata=None):
    """Of arrays in one of DTYPES; metadata: texts by name."""
    header, offset, parts = {"__metadata__": metadata or {}}, 0, []
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name]).reshape(np.shape(tensors[name]))
        data = array.tobytes()
        header[name] = {"dtype": NAMES[array.dtype], "shape": list(array.shape), "data_offsets": [offset, offset + len(data)]}
        offset += len(data)
        parts.append(data)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + b"".join(parts))
