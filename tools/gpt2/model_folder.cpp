#include "tools/gpt2/model_folder.hpp"

#include "properties/atomic_file.hpp"
#include "properties/bad_input.hpp"
#include "properties/safetensors.hpp"
#include "properties/staged_call.hpp"
#include "properties/values.hpp"

#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <cstring>
#include <filesystem>

namespace assay::gpt2 {
namespace {

using nlohmann::json;
using properties::stored_tensor;
using reference::gpt2_activation;
using reference::gpt2_parameter;

constexpr const char *k_config = "config.json", *k_weights = "model.safetensors",
                     *k_prefix = "transformer.", *k_head = "lm_head.weight";

// What a key of config.json is, by the field that it sets.
struct size_key {
  const char* name;
  std::int64_t gpt2_config::*field;
};
constexpr size_key k_sizes[] = {
    {"vocab_size", &gpt2_config::vocabulary}, {"n_positions", &gpt2_config::context},
    {"n_embd", &gpt2_config::channels},       {"n_layer", &gpt2_config::layers},
    {"n_head", &gpt2_config::heads},
};

// Keys of our own: the parts that a step of the ladder has.
struct part_key {
  const char* name;
  bool gpt2_config::*field;
};
constexpr part_key k_parts[] = {
    {"positions", &gpt2_config::positions},
    {"attention", &gpt2_config::attention},
    {"feed_forward", &gpt2_config::feed_forward},
    {"norms", &gpt2_config::norms},
    {"residuals", &gpt2_config::residuals},
    {"final_activation", &gpt2_config::final_activation},
};

// Switches of others that would make another model of it: each must be what it is here.
constexpr std::pair<const char*, bool> k_fixed[] = {
    {"scale_attn_weights", true},
    {"scale_attn_by_inverse_layer_idx", false},
    {"add_cross_attention", false},
};

constexpr std::size_t k_most_config = std::size_t(1) << 20;  // bytes

class config_reader {
 public:
  explicit config_reader(std::string path) : path_(std::move(path)) {
    try {
      all_ = json::parse(properties::read_file(path_, k_most_config));
    } catch (const json::exception&) {
      refuse("is no JSON");
    }
    if (!all_.is_object()) refuse("is no JSON object");
  }

  gpt2_config read() const {
    gpt2_config c;
    for (const size_key& each : k_sizes) c.*each.field = size(each.name);
    c.hidden =
        all_.contains("n_inner") && !all_["n_inner"].is_null() ? size("n_inner") : 4 * c.channels;
    c.activation = activation();
    if (all_.contains("relu_layers")) c.relu_layers = size("relu_layers");
    if (all_.contains("layer_norm_epsilon")) c.eps = number("layer_norm_epsilon");
    c.tied = flag("tie_word_embeddings", true);
    for (const part_key& each : k_parts) c.*each.field = flag(each.name, c.*each.field);
    for (const auto& [name, value] : k_fixed)
      if (flag(name, value) != value)
        refuse(fmt::format("has {} = {}; expected {}", name, !value, value));
    try {
      c.check();
    } catch (const reference::shape_error& wrong) {
      refuse(std::string("has ") + wrong.what());
    }
    return c;
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw bad_input("'{}' {}", path_, what);
  }

  std::int64_t size(const char* name) const {
    if (!all_.contains(name)) refuse(fmt::format("has no '{}'", name));
    const json& value = all_[name];
    if (!value.is_number_integer())
      refuse(fmt::format("has {} = {}; expected a whole number", name, value.dump()));
    return value.get<std::int64_t>();
  }
  double number(const char* name) const {
    const json& value = all_[name];
    if (!value.is_number())
      refuse(fmt::format("has {} = {}; expected a number", name, value.dump()));
    return value.get<double>();
  }
  bool flag(const char* name, bool otherwise) const {
    if (!all_.contains(name) || all_[name].is_null()) return otherwise;
    const json& value = all_[name];
    if (!value.is_boolean())
      refuse(fmt::format("has {} = {}; expected true or false", name, value.dump()));
    return value.get<bool>();
  }
  gpt2_activation activation() const {
    if (!all_.contains("activation_function")) return gpt2_activation::gelu_tanh;
    const json& name = all_["activation_function"];
    if (name == "gelu_new" || name == "gelu_pytorch_tanh") return gpt2_activation::gelu_tanh;
    if (name == "gelu") return gpt2_activation::gelu_erf;
    if (name == "relu") return gpt2_activation::relu;
    refuse(fmt::format("has activation_function {}; expected gelu_new, gelu or relu", name.dump()));
  }

  std::string path_;
  json all_;
};

json printed(const gpt2_config& c, dtype type) {
  constexpr const char* k_activations[] = {"gelu_new", "gelu", "relu"};
  constexpr const char* k_types[] = {"float32", "bfloat16", "float16", "float64"};
  json all = {{"model_type", "gpt2"}, {"architectures", {"GPT2LMHeadModel"}}};
  for (const size_key& each : k_sizes) all[each.name] = c.*each.field;
  all["n_inner"] = c.hidden == 4 * c.channels ? json() : json(c.hidden);
  all["activation_function"] = k_activations[std::size_t(c.activation)];
  all["layer_norm_epsilon"] = c.eps;
  all["tie_word_embeddings"] = c.tied;
  all["torch_dtype"] = k_types[std::size_t(type)];
  if (c.relu_layers != 0) all["relu_layers"] = c.relu_layers;
  const gpt2_config usual;
  for (const part_key& each : k_parts)
    if (c.*each.field != usual.*each.field) all[each.name] = c.*each.field;
  return all;
}

// Buffers of older files: the causal mask, which is no parameter.
bool is_buffer(std::string_view name) {
  return name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias");
}

std::string without_prefix(const std::string& name) {
  return name.starts_with(k_prefix) ? name.substr(std::strlen(k_prefix)) : name;
}

class weights_reader {
 public:
  weights_reader(const std::string& folder, const gpt2_config& config)
      : path_(path_in(folder, k_weights)), file_(properties::read_safetensors(path_)) {
    for (const stored_tensor& each : file_.tensors)
      if (!is_buffer(each.name) && !named_.emplace(without_prefix(each.name), &each).second)
        throw bad_input("'{}' has '{}' with and without the prefix '{}'", path_,
                        without_prefix(each.name), k_prefix);
    // A tied head that is stored all the same.
    if (config.tied) named_.erase(k_head);
  }

  model read(const gpt2_config& config) {
    model result{config, {}, dtype::fp32};
    bool first = true;
    for (const gpt2_parameter& each : parameters_of(config)) {
      const stored_tensor& stored = found(each);
      if (first) result.type = stored.type;
      first = false;
      if (stored.type != result.type)
        throw bad_input("'{}': tensor '{}' is {}, and others are {}", path_, stored.name,
                        name_of(stored.type), name_of(result.type));
      result.parameters.emplace(
          each.name,
          reference::tensor<double>(each.extents, properties::decoded(stored.type, stored.bytes)));
      named_.erase(each.name);
    }
    if (!named_.empty())
      throw bad_input("'{}' has a tensor '{}', which is no parameter of this model", path_,
                      named_.begin()->second->name);
    return result;
  }

 private:
  const stored_tensor& found(const gpt2_parameter& wanted) const {
    const auto at = named_.find(wanted.name);
    if (at == named_.end()) throw bad_input("'{}' has no tensor '{}'", path_, wanted.name);
    const stored_tensor& stored = *at->second;
    if (is_integer(stored.type))
      throw bad_input("'{}': tensor '{}' is {}; expected a floating-point one", path_, stored.name,
                      name_of(stored.type));
    const std::span<const std::int64_t> extents = wanted.extents.extents();
    if (!std::equal(extents.begin(), extents.end(), stored.shape.begin(), stored.shape.end()))
      throw bad_input("'{}': tensor '{}' is {}; expected {}", path_, stored.name, stored.shape,
                      wanted.extents.text());
    return stored;
  }

  std::string path_;
  properties::tensor_file file_;
  std::map<std::string, const stored_tensor*> named_;
};

}  // namespace

void round_parameters(model& of, dtype type) {
  of.type = type;
  for (auto& [name, parameter] : of.parameters)
    for (double& each : parameter.elements()) each = properties::round_to(type, each);
}

std::string path_in(const std::string& folder, const char* file) {
  return (std::filesystem::path(folder) / file).string();
}

gpt2_config read_config(const std::string& folder) {
  return config_reader(path_in(folder, k_config)).read();
}

model read_model(const std::string& folder) {
  const gpt2_config config = read_config(folder);
  return weights_reader(folder, config).read(config);
}

void write_model(const std::string& folder, const model& of) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) throw bad_input("cannot make the folder '{}': {}", folder, failed.message());
  properties::tensor_file file;
  file.metadata = {{"format", "pt"}};  // what transformers look for
  for (const gpt2_parameter& each : parameters_of(of.config)) {
    const auto extents = each.extents.extents();
    const auto values = of.parameters.find(each.name)->second.elements();
    file.tensors.push_back({each.name,
                            of.type,
                            {extents.begin(), extents.end()},
                            properties::encoded(of.type, {values.begin(), values.end()})});
  }
  properties::write_safetensors(path_in(folder, k_weights), file);
  properties::write_file(path_in(folder, k_config), printed(of.config, of.type).dump(2) + "\n");
}

}  // namespace assay::gpt2
