#include "properties/staged_call.hpp"

#include "properties/values.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace assay::properties {

tensor_bytes encoded(dtype type, const std::vector<double>& values) {
  tensor_bytes all(values.size() * size_of(type));
  for (std::size_t i = 0; i < values.size(); ++i)
    store_bits(type, all.data(), std::int64_t(i), encode(type, values[i]));
  return all;
}

std::vector<double> decoded(dtype type, const tensor_bytes& bits) {
  std::vector<double> values(bits.size() / size_of(type));
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = decode(type, load_bits(type, bits.data(), std::int64_t(i)));
  return values;
}

staged_call::staged_call(const contract& c, const case_inputs& inputs, simt::backend& place,
                         const optimized::launcher& by)
    : contract_(c), inputs_(inputs), place_(place), launcher_(by) {
  const case_id& id = inputs.id;
  const auto alignment = std::size_t(value_of(id.shape, "align", 256).as_integer());
  in_place_ = value_of(id.shape, "inplace", 0) == number(1);
  std::size_t slot = 0;
  for (std::size_t t = 0; t < c.inputs.size(); ++t) {
    input_bytes_.push_back(encoded(id.types[t].type, inputs.values[t]));
    add(c.inputs[t], id.types[t].type, alignment, slot++);
  }
  for (std::size_t t = 0; t < c.outputs.size(); ++t) {
    const dtype type = id.types[c.inputs.size() + t].type;
    if (in_place_ && t == 0)
      call_.tensors.push_back(call_.tensors[0]);
    else
      add(c.outputs[t], type, alignment, slot++);
  }
  call_.parameters = inputs.parameters;
  if (launcher_.workspace) {
    workspace_ =
        std::make_unique<guarded_memory>(place, launcher_.workspace(call_), 256, 0, "workspace");
    call_.workspace = workspace_->data();
    call_.workspace_bytes = workspace_->bytes();
  }
}

void staged_call::execute(const simt::emulation& how, std::byte poison) {
  for (std::size_t t = contract_.inputs.size(); t < memory_.size(); ++t) memory_[t]->poison(poison);
  if (workspace_) workspace_->poison(poison);
  for (std::size_t t = 0; t < contract_.inputs.size(); ++t) memory_[t]->upload(input_bytes_[t]);
  const std::unique_ptr<simt::queue> stream = place_.make_queue();
  stream->emulate = how;
  launcher_.launch(call_, *stream);
  stream->synchronize();
}

std::vector<tensor_bytes> staged_call::outputs() const {
  std::vector<tensor_bytes> all;
  std::size_t at = contract_.inputs.size();
  for (std::size_t t = 0; t < contract_.outputs.size(); ++t)
    all.push_back(in_place_ && t == 0 ? memory_[0]->download() : memory_[at++]->download());
  return all;
}

std::string staged_call::damage() const {
  for (const auto& each : memory_)
    if (std::string what = each->damage(); !what.empty()) return what;
  if (workspace_)
    if (std::string what = workspace_->damage(); !what.empty()) return what;
  for (std::size_t t = in_place_ ? 1 : 0; t < contract_.inputs.size(); ++t)
    if (memory_[t]->download() != input_bytes_[t])
      return fmt::format("input '{}' was changed", contract_.inputs[t].name);
  return "";
}

void staged_call::add(const tensor_spec& spec, dtype type, std::size_t alignment,
                      std::size_t slot) {
  optimized::tensor t{nullptr, type, shape_of(spec, inputs_.id)};
  memory_.push_back(std::make_unique<guarded_memory>(
      place_, t.bytes(), std::max(alignment, size_of(type)), slot, spec.name));
  t.data = memory_.back()->data();
  call_.tensors.push_back(std::move(t));
}

}  // namespace assay::properties
