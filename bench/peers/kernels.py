"""assay's kernels from Python: the libraries of kernel_library.hpp by ctypes, on the emulator or a GPU."""

import ctypes
import os
from dataclasses import dataclass

POINTER = ctypes.c_void_p


class KernelError(Exception):
    """What the library, or a launcher, refused, or a kernel ran into; its one line."""


@dataclass
class Tensor:
    """Memory that somebody else owns."""
    address: int
    dtype: str  # "fp32", "bf16", "fp16", "int32"
    shape: tuple
    strides: tuple = None  # in elements; None: contiguous


class TensorOfC(ctypes.Structure):
    _fields_ = [("data", POINTER), ("dtype", ctypes.c_char_p), ("rank", ctypes.c_int32),
                ("shape", ctypes.POINTER(ctypes.c_int64)), ("strides", ctypes.POINTER(ctypes.c_int64))]


SIGNATURES = {
    "assay_error": (ctypes.c_char_p, []),
    "assay_open": (POINTER, [ctypes.c_uint]),
    "assay_close": (None, [POINTER]),
    "assay_stream": (POINTER, [POINTER]),
    "assay_synchronize": (ctypes.c_int, [POINTER]),
    "assay_has": (ctypes.c_int, [ctypes.c_char_p, ctypes.c_char_p]),
    "assay_prepare": (POINTER, [POINTER, ctypes.c_char_p, ctypes.c_char_p, ctypes.POINTER(TensorOfC), ctypes.c_int,
                                ctypes.POINTER(ctypes.c_double), ctypes.c_int]),
    "assay_forget": (None, [POINTER]),
    "assay_workspace_bytes": (ctypes.c_int64, [POINTER]),
    "assay_lend_workspace": (ctypes.c_int, [POINTER, POINTER, ctypes.c_int64]),
    "assay_launch": (ctypes.c_int, [POINTER]),
}


class Library:
    """The kernels of a build, for one backend: "emulator" or "cuda"."""

    def __init__(self, build, backend):
        path = os.path.join(build, f"libassay_kernels_{backend}.so")
        try:
            self.calls = ctypes.CDLL(path)
        except OSError as wrong:
            raise KernelError(str(wrong)) from None
        for name, (result, arguments) in SIGNATURES.items():
            call = getattr(self.calls, name)
            call.restype, call.argtypes = result, arguments

    def has(self, function, implementation):
        return bool(self.calls.assay_has(function.encode(), implementation.encode()))

    def open(self, workers=1):
        return Queue(self.calls, workers)


def error_of(calls):
    return KernelError(calls.assay_error().decode())


class Queue:
    """Where kernels run in order."""

    def __init__(self, calls, workers):
        self.calls, self.handle = calls, calls.assay_open(workers)
        if not self.handle:
            raise error_of(calls)

    def stream(self):
        """The cudaStream_t, or None on the emulator."""
        return self.calls.assay_stream(self.handle)

    def synchronize(self):
        if self.calls.assay_synchronize(self.handle) != 0:
            raise error_of(self.calls)

    def prepare(self, function, implementation, tensors, parameters=()):
        return Call(self, function, implementation, tensors, parameters)

    def close(self):
        self.calls.assay_close(self.handle)
        self.handle = None


class Call:
    """A kernel with its tensors; the queue must outlive it."""

    def __init__(self, queue, function, implementation, tensors, parameters):
        self.queue, self.calls = queue, queue.calls
        described = (TensorOfC * len(tensors))(*(described_in_c(each) for each in tensors))
        numbers = (ctypes.c_double * len(parameters))(*parameters)
        self.handle = self.calls.assay_prepare(queue.handle, function.encode(), implementation.encode(), described,
                                               len(tensors), numbers, len(parameters))
        if not self.handle:
            raise error_of(self.calls)

    def workspace_bytes(self):
        count = self.calls.assay_workspace_bytes(self.handle)
        if count < 0:
            raise error_of(self.calls)
        return count

    def lend(self, address, count):
        self.calls.assay_lend_workspace(self.handle, address, count)

    def launch(self):
        if self.calls.assay_launch(self.handle) != 0:
            raise error_of(self.calls)

    def __del__(self):
        if getattr(self, "handle", None):
            self.calls.assay_forget(self.handle)


def described_in_c(tensor):
    sizes = ctypes.c_int64 * len(tensor.shape)
    strides = None if tensor.strides is None else sizes(*tensor.strides)
    return TensorOfC(tensor.address, tensor.dtype.encode(), len(tensor.shape), sizes(*tensor.shape), strides)
