#include "optimized/simt/cuda/native_stream.hpp"
#include "optimized/simt/cuda/runtime.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <exception>
#include <map>
#include <memory>
#include <mutex>

namespace assay::simt {
namespace cuda {

void check(cudaError_t status, const std::string& where) {
  if (status == cudaSuccess) return;
  throw error(where, std::string(cudaGetErrorName(status)) + ", " + cudaGetErrorString(status));
}

current_device::current_device(int ordinal) {
  check(cudaGetDevice(&previous_), "cudaGetDevice");
  check(cudaSetDevice(ordinal), "cudaSetDevice");
}

current_device::~current_device() { cudaSetDevice(previous_); }

std::string kernel_name(const void* kernel) {
  const char* mangled = nullptr;
  if (cudaFuncGetName(&mangled, kernel) != cudaSuccess || mangled == nullptr) return "a kernel";
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(mangled, nullptr, nullptr, &status), std::free);
  return status == 0 ? name.get() : mangled;
}

void allow_shared_memory(const void* kernel, std::size_t bytes, int ordinal,
                         const std::string& what) {
  static std::mutex mutex;
  static std::map<std::pair<const void*, int>, std::size_t> allowed;
  const std::lock_guard lock(mutex);
  std::size_t& most = allowed[{kernel, ordinal}];
  if (bytes <= most) return;
  check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             static_cast<int>(bytes)),
        what);
  most = bytes;
}

}  // namespace cuda

namespace {

class cuda_queue final : public queue {
 public:
  cuda_queue(backend& place, int ordinal) : place_(place), ordinal_(ordinal) {
    const cuda::current_device current(ordinal);
    cuda::check(cudaStreamCreate(&stream_), "a stream on the " + place.name());
  }
  ~cuda_queue() override { cudaStreamDestroy(stream_); }
  cuda_queue(const cuda_queue&) = delete;
  cuda_queue& operator=(const cuda_queue&) = delete;

  backend& place() const override { return place_; }
  void copy(void* to, const void* from, std::size_t bytes, direction) override {
    cuda::check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream_), where("copy"));
  }
  void fill(void* to, std::byte value, std::size_t bytes) override {
    cuda::check(cudaMemsetAsync(to, std::to_integer<int>(value), bytes, stream_), where("fill"));
  }
  void wait(marker& point) override;
  void synchronize() override {
    refuse_while_recording("wait for a stream");
    cuda::check(cudaStreamSynchronize(stream_), where("wait for a stream"));
  }
  std::unique_ptr<recording> record(const std::function<void()>& work) override;

  cudaStream_t stream() const { return stream_; }
  int ordinal() const { return ordinal_; }
  std::string where(const char* what) const {
    return std::string(what) + " on the " + place_.name();
  }
  void refuse_while_recording(const char* what) const {
    if (is_recorded_) throw error(where(what), "a stream is being recorded");
  }

 private:
  backend& place_;
  int ordinal_;
  cudaStream_t stream_ = nullptr;
  bool is_recorded_ = false;
};

class cuda_recording final : public recording {
 public:
  cuda_recording(cudaGraph_t graph, int ordinal) : ordinal_(ordinal) {
    const cuda::current_device current(ordinal);
    const cudaError_t status = cudaGraphInstantiate(&runnable_, graph, 0);
    cudaGraphDestroy(graph);
    cuda::check(status, "a graph");
  }
  ~cuda_recording() override { cudaGraphExecDestroy(runnable_); }
  cuda_recording(const cuda_recording&) = delete;
  cuda_recording& operator=(const cuda_recording&) = delete;

  void replay(queue& where) override {
    const cudaStream_t stream = cuda::stream_of(where, "launch of a graph");
    if (cuda::ordinal_of(where) != ordinal_) {
      throw error("launch of a graph", "the stream is another device's");
    }
    cuda::check(cudaGraphLaunch(runnable_, stream), "launch of a graph");
  }

 private:
  int ordinal_;
  cudaGraphExec_t runnable_ = nullptr;
};

// Only this thread is kept from what would disturb a recording: others have streams of their own.
std::unique_ptr<recording> cuda_queue::record(const std::function<void()>& work) {
  refuse_while_recording("recording of a stream");
  const cuda::current_device current(ordinal_);
  cuda::check(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal),
              where("recording of a stream"));
  is_recorded_ = true;
  std::exception_ptr wrong;
  try {
    work();
  } catch (...) {
    wrong = std::current_exception();
  }
  is_recorded_ = false;
  cudaGraph_t graph = nullptr;
  const cudaError_t status = cudaStreamEndCapture(stream_, &graph);
  if (wrong != nullptr) {
    if (graph != nullptr) cudaGraphDestroy(graph);
    cudaGetLastError();  // what spoilt the recording is told by `wrong`
    std::rethrow_exception(wrong);
  }
  cuda::check(status, where("recording of a stream"));
  return std::make_unique<cuda_recording>(graph, ordinal_);
}

class cuda_marker final : public marker {
 public:
  explicit cuda_marker(int ordinal) : ordinal_(ordinal) {
    const cuda::current_device current(ordinal);
    cuda::check(cudaEventCreate(&event_), "an event");
  }
  ~cuda_marker() override { cudaEventDestroy(event_); }
  cuda_marker(const cuda_marker&) = delete;
  cuda_marker& operator=(const cuda_marker&) = delete;

  void record(queue& q) override {
    const cudaStream_t stream = cuda::stream_of(q, "record of an event");
    if (cuda::ordinal_of(q) != ordinal_) {
      throw error("record of an event", "the queue is another device's");
    }
    dynamic_cast<const cuda_queue&>(q).refuse_while_recording("record of an event");
    cuda::check(cudaEventRecord(event_, stream), "record of an event");
  }
  void synchronize() override { cuda::check(cudaEventSynchronize(event_), "wait for an event"); }
  std::optional<double> seconds_since(marker& earlier) override {
    auto* start = dynamic_cast<cuda_marker*>(&earlier);
    if (start == nullptr) throw error("time between events", "they are on different devices");
    float milliseconds = 0;
    cuda::check(cudaEventElapsedTime(&milliseconds, start->event_, event_), "time between events");
    return 1e-3 * static_cast<double>(milliseconds);
  }

  cudaEvent_t event() const { return event_; }

 private:
  int ordinal_;
  cudaEvent_t event_ = nullptr;
};

void cuda_queue::wait(marker& point) {
  auto* event = dynamic_cast<cuda_marker*>(&point);
  if (event == nullptr) throw error(where("wait"), "the event is another device's");
  refuse_while_recording("wait for an event");
  cuda::check(cudaStreamWaitEvent(stream_, event->event(), 0), where("wait"));
}

class cuda_backend final : public backend {
 public:
  explicit cuda_backend(int ordinal) : ordinal_(ordinal) {
    cudaDeviceProp properties{};
    cuda::check(cudaGetDeviceProperties(&properties, ordinal), "cuda:" + std::to_string(ordinal));
    name_ = "cuda:" + std::to_string(ordinal) + " " + properties.name;
  }

  std::string name() const override { return name_; }
  simt::build build() const override { return build::gpu; }

  void* allocate(std::size_t bytes, const std::string& name) override {
    if (bytes == 0) return nullptr;
    const cuda::current_device current(ordinal_);
    void* memory = nullptr;
    cuda::check(cudaMalloc(&memory, bytes), "allocation of '" + name + "' on the " + name_);
    return memory;
  }
  void free(void* memory) noexcept override { cudaFree(memory); }
  std::unique_ptr<queue> make_queue() override {
    return std::make_unique<cuda_queue>(*this, ordinal_);
  }
  std::unique_ptr<marker> make_marker() override { return std::make_unique<cuda_marker>(ordinal_); }
  void synchronize() override {
    const cuda::current_device current(ordinal_);
    cuda::check(cudaDeviceSynchronize(), "wait for the " + name_);
  }
  void copy(void* to, const void* from, std::size_t bytes, direction) override {
    synchronize();
    cuda::check(cudaMemcpy(to, from, bytes, cudaMemcpyDefault), "copy on the " + name_);
  }
  void fill(void* to, std::byte value, std::size_t bytes) override {
    synchronize();
    cuda::check(cudaMemset(to, std::to_integer<int>(value), bytes), "fill on the " + name_);
    synchronize();
  }

 private:
  int ordinal_;
  std::string name_;
};

}  // namespace

cudaStream_t cuda::stream_of(queue& q, const std::string& what) {
  auto* on_gpu = dynamic_cast<cuda_queue*>(&q);
  if (on_gpu == nullptr) {
    throw error(what, std::string("it was built for ") + name_of(build::gpu) +
                          ", the stream is on the " + q.place().name());
  }
  return on_gpu->stream();
}

void* cuda::native_stream(queue& q) { return stream_of(q, "the CUDA stream of a queue"); }

int cuda::ordinal_of(const queue& q) { return dynamic_cast<const cuda_queue&>(q).ordinal(); }

int cuda_device_count() noexcept {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess ? count : 0;
}

backend& cuda_device(int ordinal) {
  static std::mutex mutex;
  static std::map<int, std::unique_ptr<cuda_backend>> devices;
  if (ordinal < 0 || ordinal >= cuda_device_count()) {
    throw error("cuda:" + std::to_string(ordinal), "there is no such device");
  }
  const std::lock_guard lock(mutex);
  auto& device = devices[ordinal];
  if (device == nullptr) device = std::make_unique<cuda_backend>(ordinal);
  return *device;
}

}  // namespace assay::simt
