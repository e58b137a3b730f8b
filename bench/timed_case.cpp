#include "bench/timed_case.hpp"

#include "properties/staged_call.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>

namespace assay::bench {
namespace {

constexpr std::int64_t k_drawn = std::int64_t(1) << 20;  // elements; the others repeat them
constexpr std::int64_t k_judged = 4096;

// A case of `c` with at most `most` elements, or one piece.
properties::case_inputs some_inputs(const properties::contract& c, properties::case_id id,
                                    std::int64_t most) {
  const std::int64_t pieces =
      std::max<std::int64_t>(most / properties::piece_elements_of(c, id), 1);
  id.shape.front().value = std::min(pieces, id.shape.front().value.as_integer());
  return properties::make_inputs(c, id);
}

// `count` elements, the given ones over and over.
properties::tensor_bytes repeated(dtype type, const std::vector<double>& values,
                                  std::size_t bytes) {
  properties::tensor_bytes bits = properties::encoded(type, values);
  const std::size_t period = bits.size();
  bits.resize(bytes);
  for (std::size_t at = period; at < bytes; at += period)
    std::copy_n(bits.begin(), std::min(period, bytes - at), bits.begin() + std::ptrdiff_t(at));
  return bits;
}

}  // namespace

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return double(now.tv_sec) + 1e-9 * double(now.tv_nsec);
}

timed_case::timed_case(const properties::run_id& id, std::size_t rotation_bytes)
    : id_(id),
      contract_(&properties::contract_of(id.of)),
      place_(properties::backend_named(id.backend, {})),
      launcher_(
          optimized::find_launcher(place_->build(), contract_->function(), id.implementation)),
      cost_(contract_->cost_of(id.of)),
      drawn_(some_inputs(*contract_, id.of, k_drawn)),
      stream_(place_->make_queue()),
      begin_(place_->make_marker()),
      end_(place_->make_marker()) {
  stream_->emulate.workers = 1;
  std::size_t staged = 0;
  do {
    copies_.push_back(one_copy());
    for (const optimized::tensor& each : copies_.back().tensors) staged += each.bytes();
  } while (staged < rotation_bytes);
}

timed_case::memory timed_case::allocate(std::size_t bytes, const std::string& name) {
  return {place_->allocate(bytes, name), release{place_}};
}

optimized::call timed_case::one_copy() {
  optimized::call call;
  std::size_t at = 0;
  for (const auto* specs : {&contract_->inputs, &contract_->outputs})
    for (const properties::tensor_spec& spec : *specs) {
      optimized::tensor t{nullptr, id_.of.types[at].type, properties::shape_of(spec, id_.of)};
      owned_.push_back(allocate(t.bytes(), spec.name));
      t.data = owned_.back().get();
      if (at < drawn_.values.size()) {
        // Lengths all of them as the case draws them, from which its cost is reckoned.
        const bool lengths = spec.how == properties::drawn::as_length;
        const properties::tensor_bytes bits = repeated(
            t.type, lengths ? properties::drawn_input(*contract_, id_.of, at) : drawn_.values[at],
            t.bytes());
        place_->copy(t.data, bits.data(), bits.size(), simt::direction::to_device);
      }
      call.tensors.push_back(std::move(t));
      ++at;
    }
  call.parameters = drawn_.parameters;
  if (launcher_->workspace) {
    call.workspace_bytes = launcher_->workspace(call);
    owned_.push_back(allocate(call.workspace_bytes, "workspace"));
    call.workspace = owned_.back().get();
  }
  return call;
}

std::size_t timed_case::calls_a_round() const {
  return place_->build() == simt::build::gpu ? copies_.size() : 1;
}

double timed_case::run_round() {
  return place_->build() == simt::build::gpu ? run_on_device() : run_on_emulator();
}

double timed_case::run_on_emulator() {
  last_ = (last_ + 1) % copies_.size();
  const double before = cpu_seconds();
  launcher_->launch(copies_[last_], *stream_);
  stream_->synchronize();
  return cpu_seconds() - before;
}

double timed_case::run_on_device() {
  const auto before = std::chrono::steady_clock::now();
  begin_->record(*stream_);
  for (const optimized::call& call : copies_) launcher_->launch(call, *stream_);
  end_->record(*stream_);
  stream_->synchronize();
  last_ = copies_.size() - 1;
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - before;
  return end_->seconds_since(*begin_).value_or(elapsed.count());
}

std::string timed_case::wrong() const {
  const std::int64_t piece = properties::piece_elements_of(*contract_, drawn_.id);
  const std::int64_t pieces = std::min(std::max<std::int64_t>(k_judged / piece, 1),
                                       drawn_.id.shape.front().value.as_integer());
  const std::int64_t judged = pieces * piece;
  properties::case_inputs inputs = drawn_;
  inputs.id.shape.front().value = pieces;
  for (std::size_t t = 0; t < inputs.values.size(); ++t) {
    std::size_t count = 1;
    for (std::int64_t extent : properties::shape_of(contract_->inputs[t], inputs.id))
      count *= std::size_t(extent);
    inputs.values[t].resize(count);
  }
  const properties::prepared_case prepared{contract_, inputs, contract_->exact(inputs)};
  std::vector<std::vector<double>> outputs(prepared.exact.size());
  for (std::size_t k = 0; k < outputs.size(); ++k) {
    const optimized::tensor& t = copies_[last_].tensors[contract_->inputs.size() + k];
    outputs[k] = prepared.exact[k].value;
    if (t.shape.empty()) continue;  // a reduction over all elements: `assay check` judges those
    properties::tensor_bytes bits(std::size_t(judged) * size_of(t.type));
    place_->copy(bits.data(), t.data, bits.size(), simt::direction::to_host);
    outputs[k] = properties::decoded(t.type, bits);
  }
  const properties::implementation& by = *contract_->find(id_.implementation);
  const auto verdicts = properties::judge(prepared, by, outputs);
  for (std::size_t k = 0; k < verdicts.size(); ++k)
    if (!contract_->outputs[k].shape.empty() && !verdicts[k].strict.passed())
      return verdicts[k].tensor + ": " + verdicts[k].strict.reason;
  return {};
}

}  // namespace assay::bench
