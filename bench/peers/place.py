"""Where a comparison runs: PyTorch and assay's kernels on one GPU and one stream, or both on the CPU."""

import torch

from kernels import Library, Tensor
from timing import DeviceClock, HostClock, PassClock

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16, "int32": torch.int32}
NAMES = {of_torch: name for name, of_torch in DTYPES.items()}
LEAST_ROTATION = 1 << 28   # bytes; as `assay bench` on cuda (bench/suite.cpp)
ROOF_BYTES, ROOF_SIDE, ROOF_RUNS = 1 << 30, 8192, 20


class Place:
    def __init__(self, build, device):
        """`build`: the folder of a build; `device`: "cuda" or "cpu"."""
        self.build, self.device, self.on_gpu = build, device, device == "cuda"
        self.backend = "cuda" if self.on_gpu else "emulator"
        if self.on_gpu:
            torch.cuda.init()
            torch.zeros(1, device="cuda")  # the context is PyTorch's and ours
        else:
            torch.set_num_threads(1)
        self.queue = Library(build, self.backend).open(workers=1)
        self.stream = torch.cuda.ExternalStream(self.queue.stream()) if self.on_gpu else None
        self.clock = DeviceClock(torch, self.stream) if self.on_gpu else HostClock()
        self.pass_clock = PassClock(torch) if self.on_gpu else self.clock
        self.random = torch.Generator(device).manual_seed(1)

    def normal(self, shape, dtype):
        return torch.randn(shape, generator=self.random, device=self.device).to(DTYPES[dtype])

    def full(self, shape, dtype, value):
        return torch.full(shape, value, dtype=DTYPES[dtype], device=self.device)

    def poisoned(self, shape, dtype):
        """An output: what no kernel writes is no number."""
        return self.full(shape, dtype, float("nan"))

    def prepare(self, function, implementation, tensors, parameters):
        """A call of ours, and its scratch memory, which must be kept with it."""
        described = [Tensor(each.data_ptr(), NAMES[each.dtype], tuple(each.shape)) for each in contiguous(tensors)]
        call = self.queue.prepare(function, implementation, described, parameters)
        workspace = torch.empty(call.workspace_bytes(), dtype=torch.uint8, device=self.device)
        call.lend(workspace.data_ptr(), workspace.numel())
        return call, workspace

    def synchronize(self):
        """Both wait: also for what PyTorch queued on its own stream."""
        if self.on_gpu:
            torch.cuda.synchronize()
        self.queue.synchronize()

    def on_stream(self, work):
        """What work() gives, with PyTorch on the stream that ours runs on."""
        if not self.on_gpu:
            return work()
        with torch.cuda.stream(self.stream):
            return work()

    def rotation_bytes(self):
        """More than three times the second-level cache."""
        if not self.on_gpu:
            return 0
        return max(LEAST_ROTATION, 4 * torch.cuda.get_device_properties(0).L2_cache_size)

    def describe(self):
        if not self.on_gpu:
            return {"device": "cpu", "threads": torch.get_num_threads()}
        return {"device": torch.cuda.get_device_name(0), "cuda": torch.version.cuda,
                "cudnn": torch.backends.cudnn.version(), "sms": torch.cuda.get_device_properties(0).multi_processor_count}

    def roofs(self):
        """Bytes a second of the memory's own copy (read plus written), FLOPs a second of a large matrix product in bf16;
        the best of some runs each. None where there is no GPU."""
        if not self.on_gpu:
            return None
        a = torch.empty(ROOF_BYTES, dtype=torch.uint8, device="cuda").fill_(0x3c)
        b = torch.empty_like(a)
        copied = min(self.clock.sample(lambda: b.copy_(a)) for _ in range(ROOF_RUNS))
        x, y = (self.normal((ROOF_SIDE, ROOF_SIDE), "bf16") for _ in range(2))
        z = torch.empty_like(x)
        multiplied = min(self.clock.sample(lambda: torch.matmul(x, y, out=z)) for _ in range(ROOF_RUNS))
        return {"bytes_per_second": 2 * ROOF_BYTES / copied, "flops_per_second": 2 * ROOF_SIDE ** 3 / multiplied}


def contiguous(tensors):
    for each in tensors:
        if not each.is_contiguous():
            raise ValueError(f"a tensor of shape {tuple(each.shape)} has gaps; kernels are given those without")
    return tensors
