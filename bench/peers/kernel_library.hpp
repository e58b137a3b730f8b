// libassay_kernels_emulator.so and libassay_kernels_cuda.so: the launchers, for programs in other
// languages, with names and types of C (kernels.py reads them with ctypes). Tensors are addresses
// in the memory of the backend: of a GPU, or of this process where kernels run on the emulator.
//
// What fails returns null, or a negative number, and assay_error() says in one line what was wrong.
// Nothing is safe to call from two threads at once.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

struct assay_queue;  // where kernels run in order
struct assay_call;   // a launcher with its tensors, to be launched as often as wanted

struct assay_tensor {
  void* data;
  const char* dtype;  // "fp32", "bf16", "fp16", "int32"
  std::int32_t rank;
  const std::int64_t* shape;
  const std::int64_t* strides;  // in elements; null: contiguous
};

// Of the last call that failed.
const char* assay_error();

// `workers`: threads of the emulator, 0: one per core. Null with the error "no device" where the
// machine has no GPU for the library's kernels.
assay_queue* assay_open(unsigned workers);
void assay_close(assay_queue* queue);
// The queue's cudaStream_t; null, which is no error, on the emulator.
void* assay_stream(assay_queue* queue);
// Waits; what went wrong in a kernel is said here. 0 where nothing did.
int assay_synchronize(assay_queue* queue);

// 1 where the library has such a kernel, else 0.
int assay_has(const char* function, const char* implementation);

// Tensors and parameters in the contract's order (assay list --json): inputs, then outputs. What
// they point to must live as long as the call is launched; the descriptions need not.
assay_call* assay_prepare(assay_queue* queue, const char* function, const char* implementation,
                          const assay_tensor* tensors, int tensor_count, const double* parameters,
                          int parameter_count);
void assay_forget(assay_call* call);
// Bytes of scratch memory that the call needs, negative on an error; and the memory, aligned to 256
// bytes.
std::int64_t assay_workspace_bytes(assay_call* call);
int assay_lend_workspace(assay_call* call, void* memory, std::int64_t bytes);

// Queues the kernels. 0, or negative where the launcher refuses the call.
int assay_launch(assay_call* call);

}  // extern "C"
