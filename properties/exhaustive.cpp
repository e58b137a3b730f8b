#include "properties/exhaustive.hpp"

#include "optimized/launcher.hpp"
#include "properties/bad_input.hpp"
#include "properties/harness.hpp"
#include "properties/values.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <thread>

namespace assay::properties {
namespace {

using reference::k_infinity;

// Where an activation changes its character; the first range holds the NaNs.
constexpr double k_edges[] = {-k_infinity, -14, -10,     -6,  -5,  -4, -3, -2, -1, -0.5,      -0.1,
                              -0x1p-12,    0,   0x1p-12, 0.1, 0.5, 1,  2,  4,  6,  k_infinity};

std::vector<range_summary> empty_ranges() {
  std::vector<range_summary> all(1);
  all[0].low = all[0].high = reference::k_nan;
  for (std::size_t i = 0; i + 1 < std::size(k_edges); ++i) {
    range_summary range;
    range.low = k_edges[i], range.high = k_edges[i + 1];
    all.push_back(range);
  }
  return all;
}

std::size_t range_of(double x) {
  if (std::isnan(x)) return 0;
  const double* const after = std::upper_bound(std::begin(k_edges), std::end(k_edges) - 1, x);
  return std::size_t(after - std::begin(k_edges));
}

// NaN and infinities have no place in JSON numbers.
std::string text_of(double x) { return fmt::format("{:a}", x); }
double value_of(const std::string& text) { return std::strtod(text.c_str(), nullptr); }

// Takes the larger of the two, the first of equal ones. The place of a zero is the first that has
// one; NaN is the place of a NaN, or none yet.
void raise(double& worst, double& worst_at, double value, double at) {
  if (!(value <= worst) || (worst == 0 && std::isnan(worst_at))) worst = value, worst_at = at;
}

// In ULPs of the output; what cannot be measured in them is infinitely far.
double in_ulps(const reference::format& out, double off, double truth) {
  if (off == 0) return 0;
  return off < k_infinity ? off / reference::ulp(out, truth) : k_infinity;
}

}  // namespace

void range_summary::add(const range_summary& other) {
  inputs += other.inputs;
  misrounded += other.misrounded;
  over += other.over;
  outside += other.outside;
  lost += other.lost;
  raise(worst_ulps, worst_ulps_at, other.worst_ulps, other.worst_ulps_at);
  raise(worst_fraction, worst_fraction_at, other.worst_fraction, other.worst_fraction_at);
  if (std::isnan(first_over_at)) first_over_at = other.first_over_at;
}

std::string exhaustive_plan::name() const {
  const std::string part = shards == 1 ? "" : fmt::format("-{}of{}", shard, shards);
  return fmt::format("{}-{}-{}-{}{}", of->function(), by->name, name_of(type), backend, part);
}

// The device side of a sweep: buffers for one chunk, made once.
class exhaustive_sweep::kernel {
 public:
  kernel(const exhaustive_plan& plan, std::uint64_t chunk, const std::vector<double>& parameters)
      : place_(backend_named(plan.backend, {})),
        element_(size_of(plan.type)),
        bytes_(chunk * element_),
        host_(bytes_) {
    if (!place_) throw simt::error(plan.backend, "no device");
    launcher_ = optimized::find_launcher(place_->build(), plan.of->function(), plan.by->name);
    if (!launcher_)
      throw simt::error(plan.of->function(),
                        "no kernel '" + plan.by->name + "' was built for " + place_->name());
    stream_ = place_->make_queue();
    stream_->emulate.workers = plan.threads;
    call_.parameters = parameters;
    const std::size_t inputs = plan.of->inputs.size();
    for (std::size_t t = 0; t < inputs + plan.of->outputs.size(); ++t) add(plan, t, chunk);
    first_output_ = inputs;
    for (std::size_t t = 1; t < inputs; ++t) fill_with_ones(plan.type, t);
    if (launcher_->workspace) {
      call_.workspace_bytes = launcher_->workspace(call_);
      call_.workspace = allocate(call_.workspace_bytes, "workspace");
    }
  }

  // The outputs for inputs first, first + 1, ...: bit patterns.
  std::span<const std::byte> outputs_from(std::uint64_t first) {
    for (std::uint64_t i = 0; i < bytes_ / element_; ++i)
      std::memcpy(host_.data() + i * element_, &(at_ = first + i), element_);
    place_->copy(call_.tensors[0].data, host_.data(), bytes_, simt::direction::to_device);
    launcher_->launch(call_, *stream_);
    stream_->synchronize();
    place_->copy(host_.data(), call_.tensors[first_output_].data, bytes_, simt::direction::to_host);
    return host_;
  }

 private:
  struct release {
    simt::backend* place;
    void operator()(void* memory) const { place->free(memory); }
  };

  void* allocate(std::size_t bytes, const std::string& name) {
    memory_.emplace_back(place_->allocate(bytes, name), release{place_});
    return memory_.back().get();
  }

  void add(const exhaustive_plan& plan, std::size_t t, std::uint64_t chunk) {
    const std::size_t inputs = plan.of->inputs.size();
    const tensor_spec& spec = t < inputs ? plan.of->inputs[t] : plan.of->outputs[t - inputs];
    optimized::tensor tensor{nullptr, types_of(plan)[t], {}};
    for (std::size_t d = 0; d < spec.shape.size(); ++d) tensor.shape.push_back(std::int64_t(chunk));
    tensor.data = allocate(tensor.bytes(), spec.name);
    call_.tensors.push_back(tensor);
  }

  static const std::vector<dtype>& types_of(const exhaustive_plan& plan) {
    for (const auto& types : plan.of->signatures)
      if (types[0] == plan.type) return types;
    throw bad_input("{} does not take {}", plan.of->function(), name_of(plan.type));
  }

  void fill_with_ones(dtype type, std::size_t t) {
    for (std::size_t i = 0; i < bytes_ / element_; ++i)
      store_bits(type, host_.data(), std::int64_t(i), encode(type, 1));
    place_->copy(call_.tensors[t].data, host_.data(), bytes_, simt::direction::to_device);
  }

  simt::backend* place_;
  std::size_t element_, bytes_;
  std::vector<std::byte> host_;
  const optimized::launcher* launcher_ = nullptr;
  std::unique_ptr<simt::queue> stream_;
  std::vector<std::unique_ptr<void, release>> memory_;
  optimized::call call_;
  std::size_t first_output_ = 0;
  std::uint64_t at_ = 0;
};

exhaustive_sweep::exhaustive_sweep(exhaustive_plan plan)
    : plan_(std::move(plan)), ranges_(empty_ranges()) {
  if (!plan_.of->elementwise)
    throw bad_input("{} is not element-wise: it has no exhaustive run", plan_.of->function());
  if (plan_.shard >= plan_.shards)
    throw bad_input("there is no shard {} of {}", plan_.shard, plan_.shards);
  if (!plan_.threads) plan_.threads = std::max(1u, std::thread::hardware_concurrency());
  for (const parameter_spec& each : plan_.of->parameters)
    parameters_.push_back(parameter_value(each, each.otherwise));
  function_ = *plan_.of->elementwise;
  if (!parameters_.empty()) function_ = function_.with(parameters_[0]);
  const std::uint64_t inputs = size_of(plan_.type) == 2 ? 1ULL << 16 : 1ULL << 32;
  chunk_size_ = std::min<std::uint64_t>(inputs / 8, 1ULL << 20);
  chunks_ = (inputs / chunk_size_ + plan_.shards - 1 - plan_.shard) / plan_.shards;
  kernel_ = std::make_shared<kernel>(plan_, chunk_size_, parameters_);
  bound_at(1, {});  // an implementation that states no error throws here, not in a judge's thread
}

void exhaustive_sweep::advance() {
  const std::uint64_t first = (plan_.shard + done_ * plan_.shards) * chunk_size_;
  const std::span<const std::byte> outputs = kernel_->outputs_from(first);
  std::vector<std::vector<range_summary>> parts(plan_.threads, empty_ranges());
  std::vector<std::thread> judges;
  for (unsigned t = 0; t < plan_.threads; ++t)
    judges.emplace_back([&, t] {
      judge(first, outputs, chunk_size_ * t / plan_.threads, chunk_size_ * (t + 1) / plan_.threads,
            parts[t]);
    });
  for (std::thread& each : judges) each.join();
  for (const auto& part : parts)
    for (std::size_t r = 0; r < part.size(); ++r) ranges_[r].add(part[r]);
  ++done_;
}

element_bound exhaustive_sweep::bound_at(double x, const reference::truth& exact) const {
  if (!std::isfinite(exact.value)) return {0, true};
  const reference::format out = format_of(plan_.type);
  const running arithmetic(plan_.by->model->accumulates_in());
  for (const routine_error& routine : plan_.by->routine)
    if (routine.type == plan_.type)
      return {
          arithmetic.bound(arithmetic.known(exact.value, routine.fp32_ulps, routine.floor), out),
          true};
  case_inputs one;
  one.id.types.push_back({plan_.of->inputs[0].name, plan_.type});
  one.parameters = parameters_;
  one.values.assign(plan_.of->inputs.size(), {1.0});
  one.values[0][0] = x;
  return {arithmetic.bound(plan_.by->model->follow(one, charge::what_rounds)[0][0], out), true};
}

void exhaustive_sweep::judge(std::uint64_t first_input, std::span<const std::byte> outputs,
                             std::size_t from, std::size_t to,
                             std::vector<range_summary>& into) const {
  const reference::format out = format_of(plan_.type);
  for (std::size_t i = from; i < to; ++i) {
    const double x = decode(plan_.type, first_input + i);
    const double got = decode(plan_.type, load_bits(plan_.type, outputs.data(), std::int64_t(i)));
    const reference::truth exact = reference::truth_of(function_, out, x);
    range_summary& range = into[range_of(x)];
    ++range.inputs;
    range.lost += std::isnan(got) && !std::isnan(exact.value);
    if (plan_.by->domain && !plan_.by->domain(x)) {
      ++range.outside;
      continue;
    }
    range.misrounded += !reference::same(got, exact.rounded);
    const element_truth truth{exact.value, std::isfinite(exact.value) ? exact.error : 0};
    const double off = measured(out, got, truth, false);
    raise(range.worst_ulps, range.worst_ulps_at, in_ulps(out, off, exact.value), x);
    if (reference::same(got, exact.rounded)) continue;  // nothing is taken of any bound
    const element_bound bound = bound_at(x, exact);
    const double need = measured(out, got, truth, bound.before_rounding),
                 fraction = fraction_of(need, bound);
    raise(range.worst_fraction, range.worst_fraction_at, fraction, x);
    const bool zero_of_wrong_sign =
        plan_.by->keeps_zero_sign && got == 0 && std::signbit(got) != std::signbit(exact.value);
    const bool bounded = bound.limit < k_infinity;  // else nothing was promised
    if (bounded && within(need, bound, truth) && !zero_of_wrong_sign) continue;
    ++range.over;
    if (std::isnan(range.first_over_at)) range.first_over_at = x;
  }
}

range_summary exhaustive_sweep::total() const {
  range_summary all;
  for (const range_summary& range : ranges_) all.add(range);
  return all;
}

std::string exhaustive_sweep::contradiction() const {
  const range_summary all = total();
  if (all.over > 0)
    return fmt::format("{} results are out of bound, the first at x = {:a}", all.over,
                       all.first_over_at);
  for (const stated_accuracy& stated : plan_.by->stated) {
    if (stated.type != plan_.type) continue;
    if (!(all.worst_ulps <= stated.ulps))
      return fmt::format("{:.4f} ULP at x = {:a}, and {} states {:.4f}", all.worst_ulps,
                         all.worst_ulps_at, plan_.by->name, stated.ulps);
    if (stated.misrounded >= 0 && all.misrounded != stated.misrounded)
      return fmt::format("{} results are misrounded, and {} states {}", all.misrounded,
                         plan_.by->name, stated.misrounded);
  }
  return "";
}

nlohmann::json exhaustive_sweep::state() const {
  nlohmann::json ranges = nlohmann::json::array();
  for (const range_summary& r : ranges_)
    ranges.push_back({{"inputs", r.inputs},
                      {"misrounded", r.misrounded},
                      {"over", r.over},
                      {"outside", r.outside},
                      {"lost", r.lost},
                      {"worst_ulps", text_of(r.worst_ulps)},
                      {"worst_ulps_at", text_of(r.worst_ulps_at)},
                      {"worst_fraction", text_of(r.worst_fraction)},
                      {"worst_fraction_at", text_of(r.worst_fraction_at)},
                      {"first_over_at", text_of(r.first_over_at)}});
  return {{"plan", plan_.name()}, {"chunks", chunks_}, {"done", done_}, {"ranges", ranges}};
}

void exhaustive_sweep::resume(const nlohmann::json& state) {
  std::vector<range_summary> ranges = empty_ranges();
  std::uint64_t done = 0;
  try {
    if (state.at("plan") != plan_.name() || state.at("chunks") != chunks_ ||
        state.at("ranges").size() != ranges.size())
      throw bad_input("it is the state of another run, {}, not of {}", state.at("plan").dump(),
                      plan_.name());
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      const nlohmann::json& from = state.at("ranges").at(i);
      range_summary& r = ranges[i];
      r.inputs = from.at("inputs"), r.misrounded = from.at("misrounded"), r.over = from.at("over");
      r.outside = from.at("outside"), r.lost = from.at("lost");
      r.worst_ulps = value_of(from.at("worst_ulps"));
      r.worst_ulps_at = value_of(from.at("worst_ulps_at"));
      r.worst_fraction = value_of(from.at("worst_fraction"));
      r.worst_fraction_at = value_of(from.at("worst_fraction_at"));
      r.first_over_at = value_of(from.at("first_over_at"));
    }
    done = state.at("done");
  } catch (const nlohmann::json::exception&) {
    throw bad_input("it is not a whole state of a run");
  }
  std::uint64_t inputs = 0;
  for (const range_summary& r : ranges) inputs += std::uint64_t(r.inputs);
  if (done > chunks_ || inputs != done * chunk_size_)
    throw bad_input("its figures do not agree: {} inputs in {} of {} chunks of {}", inputs, done,
                    chunks_, chunk_size_);
  ranges_ = std::move(ranges);
  done_ = done;
}

}  // namespace assay::properties
