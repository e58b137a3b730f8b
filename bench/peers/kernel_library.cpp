#include "bench/peers/kernel_library.hpp"

#include "optimized/launcher.hpp"
#include "optimized/simt/cuda/native_stream.hpp"

#include <algorithm>
#include <exception>
#include <memory>
#include <string>
#include <vector>

using namespace assay;

// ASSAY_KERNELS_ON_CUDA: whose kernels this library holds. One library has those of one backend:
// the emulator's threads have variables in fixed places, for which a library finds little room, and
// the CUDA runtime would take all of it.
#if defined(ASSAY_KERNELS_ON_CUDA)
#define ASSAY_KERNELS_OF gpu
#else
#define ASSAY_KERNELS_OF plain
#endif

namespace assay::optimized::ASSAY_KERNELS_OF {
std::vector<launcher> all_launchers();
}

struct assay_queue {
  simt::backend* place;
  std::unique_ptr<simt::queue> line;
};

struct assay_call {
  assay_queue* queue;
  const optimized::launcher* by;
  optimized::call what;
};

namespace {

std::string g_error;

// run(), or `failed` with the exception's line kept.
template <class Result, class Run>
Result guarded(Result failed, const Run& run) {
  try {
    return run();
  } catch (const std::exception& problem) {
    g_error = problem.what();
  } catch (...) {
    g_error = "an exception that says nothing";
  }
  return failed;
}

simt::backend& backend() {
#if defined(ASSAY_KERNELS_ON_CUDA)
  if (simt::cuda_device_count() == 0) throw simt::error("cuda", "no device");
  return simt::cuda_device();
#else
  return simt::plain_emulator();
#endif
}

// Null where there is none.
const optimized::launcher* launcher_named(const std::string& function,
                                          const std::string& implementation) {
  static const std::vector<optimized::launcher> all = optimized::ASSAY_KERNELS_OF::all_launchers();
  const auto found = std::find_if(all.begin(), all.end(), [&](const optimized::launcher& each) {
    return each.function == function && each.implementation == implementation;
  });
  return found == all.end() ? nullptr : &*found;
}

optimized::tensor tensor_of(const assay_tensor& given) {
  const auto type = dtype_named(given.dtype);
  if (!type)
    throw simt::error("assay_prepare", std::string("unknown dtype '") + given.dtype + "'",
                      "fp32, bf16, fp16, fp64 or int32");
  optimized::tensor t{given.data, *type, {given.shape, given.shape + given.rank}};
  if (given.strides) t.strides.assign(given.strides, given.strides + given.rank);
  return t;
}

}  // namespace

const char* assay_error() { return g_error.c_str(); }

assay_queue* assay_open(unsigned workers) {
  return guarded<assay_queue*>(nullptr, [&] {
    simt::backend& place = backend();
    auto made = std::make_unique<assay_queue>(assay_queue{&place, place.make_queue()});
    made->line->emulate.workers = workers;
    return made.release();
  });
}

void assay_close(assay_queue* queue) { delete queue; }

void* assay_stream(assay_queue* queue) {
#if defined(ASSAY_KERNELS_ON_CUDA)
  return guarded<void*>(nullptr, [&] { return simt::cuda::native_stream(*queue->line); });
#else
  (void)queue;
  return nullptr;
#endif
}

int assay_synchronize(assay_queue* queue) {
  return guarded(-1, [&] {
    queue->line->synchronize();
    return 0;
  });
}

int assay_has(const char* function, const char* implementation) {
  return launcher_named(function, implementation) != nullptr;
}

assay_call* assay_prepare(assay_queue* queue, const char* function, const char* implementation,
                          const assay_tensor* tensors, int tensor_count, const double* parameters,
                          int parameter_count) {
  return guarded<assay_call*>(nullptr, [&] {
    const optimized::launcher* const by = launcher_named(function, implementation);
    if (!by)
      throw simt::error(function, std::string("no kernel '") + implementation + "' on the " +
                                      queue->place->name());
    auto made = std::make_unique<assay_call>(assay_call{queue, by, {}});
    for (int i = 0; i < tensor_count; ++i) made->what.tensors.push_back(tensor_of(tensors[i]));
    made->what.parameters.assign(parameters, parameters + parameter_count);
    return made.release();
  });
}

void assay_forget(assay_call* call) { delete call; }

std::int64_t assay_workspace_bytes(assay_call* call) {
  return guarded<std::int64_t>(
      -1, [&] { return call->by->workspace ? std::int64_t(call->by->workspace(call->what)) : 0; });
}

int assay_lend_workspace(assay_call* call, void* memory, std::int64_t bytes) {
  call->what.workspace = memory;
  call->what.workspace_bytes = std::size_t(bytes);
  return 0;
}

int assay_launch(assay_call* call) {
  return guarded(-1, [&] {
    call->by->launch(call->what, *call->queue->line);
    return 0;
  });
}
