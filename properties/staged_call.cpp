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

namespace {

// Between the rows of an output stands something else than between those of an input: a kernel that
// takes a NaN from there and writes it there would leave no trace.
std::byte between_rows(std::byte poison) { return poison ^ std::byte(0xa5); }

}  // namespace

row_layout layout_of(const optimized::tensor& of) {
  const std::size_t all = std::size_t(of.elements()) * size_of(of.type);
  if (of.strides.empty() || all == 0) return {1, all, all};
  const std::size_t rank = of.shape.size(), element = size_of(of.type);
  const std::size_t row = std::size_t(of.shape[rank - 1]) * element;
  return {all / row, row, std::size_t(of.strides[rank - 2]) * element};
}

tensor_bytes row_layout::spread(const tensor_bytes& packed, std::byte gaps) const {
  tensor_bytes all(extent(), gaps);
  for (std::size_t r = 0; r < count; ++r)
    std::copy_n(packed.begin() + std::ptrdiff_t(r * row), row,
                all.begin() + std::ptrdiff_t(r * stride));
  return all;
}

tensor_bytes row_layout::packed(const tensor_bytes& spread) const {
  tensor_bytes all(count * row);
  for (std::size_t r = 0; r < count; ++r)
    std::copy_n(spread.begin() + std::ptrdiff_t(r * stride), row,
                all.begin() + std::ptrdiff_t(r * row));
  return all;
}

bool row_layout::gap_is_written(const tensor_bytes& spread, std::byte gaps) const {
  for (std::size_t r = 0; r + 1 < count; ++r)
    for (std::size_t i = r * stride + row; i < (r + 1) * stride; ++i)
      if (spread[i] != gaps) return true;
  return false;
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
    add(t, alignment, slot++);
  }
  for (std::size_t t = 0; t < c.outputs.size(); ++t)
    if (in_place_ && t == 0)
      call_.tensors.push_back(call_.tensors[0]);
    else
      add(c.inputs.size() + t, alignment, slot++);
  call_.parameters = inputs.parameters;
  if (launcher_.workspace) {
    workspace_ =
        std::make_unique<guarded_memory>(place, launcher_.workspace(call_), 256, 0, "workspace");
    call_.workspace = workspace_->data();
    call_.workspace_bytes = workspace_->bytes();
  }
}

void staged_call::execute(const simt::emulation& how, std::byte poison) {
  for (std::size_t t = 0; t < contract_.outputs.size(); ++t) poison_output(t, poison);
  if (workspace_) workspace_->poison(poison);
  for (std::size_t t = 0; t < contract_.inputs.size(); ++t) upload(t, poison);
  poison_ = poison;
  const std::unique_ptr<simt::queue> stream = place_.make_queue();
  stream->emulate = how;
  launcher_.launch(call_, *stream);
  stream->synchronize();
}

std::vector<tensor_bytes> staged_call::outputs() const {
  std::vector<tensor_bytes> all;
  for (std::size_t t = 0; t < contract_.outputs.size(); ++t) {
    const row_layout rows = layout_of(call_.tensors[contract_.inputs.size() + t]);
    all.push_back(rows.packed(memory_[memory_of_output(t)]->download()));
  }
  return all;
}

std::string staged_call::damage() const {
  for (const auto& each : memory_)
    if (std::string what = each->damage(); !what.empty()) return what;
  if (workspace_)
    if (std::string what = workspace_->damage(); !what.empty()) return what;
  for (std::size_t t = 0; t < contract_.inputs.size(); ++t)
    if (std::string what = damage_of_input(t); !what.empty()) return what;
  for (std::size_t t = in_place_ ? 1 : 0; t < contract_.outputs.size(); ++t) {
    const row_layout rows = layout_of(call_.tensors[contract_.inputs.size() + t]);
    if (rows.gap_is_written(memory_[memory_of_output(t)]->download(), between_rows(poison_)))
      return fmt::format("'{}' was written between its rows", contract_.outputs[t].name);
  }
  return "";
}

std::string staged_call::damage_of_input(std::size_t input) const {
  const tensor_bytes found = memory_[input]->download();
  const row_layout rows = layout_of(call_.tensors[input]);
  if (rows.gap_is_written(found, poison_))
    return fmt::format("'{}' was written between its rows", contract_.inputs[input].name);
  const bool is_output = in_place_ && input == 0;
  if (!is_output && rows.packed(found) != input_bytes_[input])
    return fmt::format("input '{}' was changed", contract_.inputs[input].name);
  return "";
}

std::size_t staged_call::memory_of_output(std::size_t output) const {
  if (in_place_ && output == 0) return 0;
  return contract_.inputs.size() + output - (in_place_ ? 1 : 0);
}

void staged_call::poison_output(std::size_t output, std::byte poison) {
  if (in_place_ && output == 0) return;
  guarded_memory& memory = *memory_[memory_of_output(output)];
  const row_layout rows = layout_of(call_.tensors[contract_.inputs.size() + output]);
  memory.poison(poison);
  if (rows.count < 2) return;
  memory.upload(rows.spread(tensor_bytes(rows.count * rows.row, poison), between_rows(poison)));
  memory.declare_unwritten(0, memory.bytes());
}

// What lies between the rows is poisoned, and nobody may read it.
void staged_call::upload(std::size_t input, std::byte gaps) {
  const row_layout rows = layout_of(call_.tensors[input]);
  memory_[input]->upload(rows.spread(input_bytes_[input], gaps));
  for (std::size_t r = 0; r + 1 < rows.count; ++r)
    memory_[input]->declare_unwritten(r * rows.stride + rows.row, rows.stride - rows.row);
}

void staged_call::add(std::size_t tensor, std::size_t alignment, std::size_t slot) {
  const std::size_t inputs = contract_.inputs.size();
  const tensor_spec& spec =
      tensor < inputs ? contract_.inputs[tensor] : contract_.outputs[tensor - inputs];
  optimized::tensor t{nullptr, inputs_.id.types[tensor].type, shape_of(spec, inputs_.id),
                      strides_of(contract_, inputs_.id, tensor)};
  memory_.push_back(std::make_unique<guarded_memory>(
      place_, t.bytes(), std::max(alignment, size_of(t.type)), slot, spec.name));
  t.data = memory_.back()->data();
  call_.tensors.push_back(std::move(t));
}

}  // namespace assay::properties
