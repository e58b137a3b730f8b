#include "tools/gpt2/executor.hpp"

#include "properties/staged_call.hpp"
#include "properties/values.hpp"

#include <algorithm>

namespace assay::gpt2 {

execution execution_on(simt::build which, std::uint64_t schedule) {
  simt::backend* const found = optimized::backend_of(which);
  if (!found) throw device_absent("there is no GPU here, or no CUDA side in this program");
  return {optimized::device(*found), fastest_kernels(which), schedule};
}

executor::executor(plan what, const execution& how)
    : plan_(std::move(what)), how_(how), stream_(how.where) {
  stream_.emulation().schedule = how.schedule;
  allocate();
}

void executor::adopt(plan next) {
  plan_ = std::move(next);
  allocate();
}

void executor::allocate() {
  std::erase_if(memory_, [&](const auto& held) {
    const auto wanted = plan_.values.find(held.first);
    return wanted == plan_.values.end() || !wanted->second.within.empty() ||
           std::size_t(wanted->second.bytes()) != held.second.size();
  });
  recorded_.reset();
  bytes_ = 0;
  for (const auto& [name, value] : plan_.values) {
    if (!value.within.empty()) continue;
    if (!memory_.contains(name))
      memory_.emplace(name,
                      optimized::buffer<std::byte>(how_.where, std::size_t(value.bytes()), name));
    bytes_ += value.bytes();
  }
  calls_.clear();
  for (const operation& each : plan_.operations) prepare(each);
  std::size_t most = 0;
  for (const prepared& each : calls_) most = std::max(most, each.what.workspace_bytes);
  if (!workspace_ || workspace_->size() < most)
    workspace_ = std::make_unique<optimized::buffer<std::byte>>(how_.where, most, "workspace");
  bytes_ += std::int64_t(workspace_->size());
  for (prepared& each : calls_) each.what.workspace = workspace_->data();
}

optimized::tensor executor::bound(const operand& part) {
  const dtype type = plan_.values.at(part.value).type;
  std::byte* const first = place_of(part.value) + part.offset * std::int64_t(size_of(type));
  return {first, type, part.shape, part.strides};
}

void executor::prepare(const operation& of) {
  prepared call{how_.choice(of, plan_), {}, {}};
  call.implementation = std::string(call.by.implementation);
  for (const auto* operands : {&of.inputs, &of.outputs})
    for (const operand& each : *operands) call.what.tensors.push_back(bound(each));
  call.what.parameters = of.parameters;
  if (call.by.workspace) call.what.workspace_bytes = call.by.workspace(call.what);
  calls_.push_back(std::move(call));
}

std::byte* executor::place_of(const std::string& value) {
  const planned_value& of = plan_.values.at(value);
  if (of.within.empty()) return memory_.at(value).data();
  return memory_.at(of.within).data() + of.first * std::int64_t(size_of(of.type));
}

void executor::upload(const std::string& value, std::span<const double> numbers) {
  const planned_value& of = plan_.values.at(value);
  if (std::int64_t(numbers.size()) != of.elements())
    throw simt::error("upload '" + value + "'", std::to_string(numbers.size()) + " numbers",
                      std::to_string(of.elements()));
  const std::vector<std::byte> bytes =
      properties::encoded(of.type, {numbers.begin(), numbers.end()});
  how_.where.place().copy(place_of(value), bytes.data(), bytes.size(), simt::direction::to_device);
}

std::vector<double> executor::download(const std::string& value) {
  const planned_value& of = plan_.values.at(value);
  std::vector<std::byte> bytes(std::size_t(of.bytes()));
  how_.where.place().copy(bytes.data(), place_of(value), bytes.size(), simt::direction::to_host);
  return properties::decoded(of.type, bytes);
}

std::vector<double> executor::download(const operand& part) {
  std::int64_t count = 1;
  for (const std::int64_t extent : part.shape) count *= extent;
  const std::vector<double> all = download(part.value);
  if (part.strides.empty()) {
    const auto first = all.begin() + part.offset;
    return {first, first + count};
  }
  std::vector<double> some;
  std::vector<std::int64_t> at(part.shape.size(), 0);
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t place = part.offset;
    for (std::size_t d = 0; d < at.size(); ++d) place += at[d] * part.strides[d];
    some.push_back(all[std::size_t(place)]);
    for (std::size_t d = at.size(); d-- > 0;) {
      if (++at[d] < part.shape[d]) break;
      at[d] = 0;
    }
  }
  return some;
}

void executor::run(std::size_t operation) {
  prepared& call = calls_[operation];
  call.by.launch(call.what, stream_);
}

void executor::replay() {
  if (!recorded_) recorded_.emplace(stream_, [this] { run(0, calls_.size()); });
  recorded_->launch(stream_);
}

}  // namespace assay::gpt2
