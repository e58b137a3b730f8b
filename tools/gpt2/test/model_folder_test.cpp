// A model on disk: what is written is read, bit for bit, and whatever is wrong gets one line.

#include "properties/safetensors.hpp"
#include "tools/gpt2/initial_weights.hpp"
#include "tools/gpt2/test/support.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

namespace assay::gpt2 {
namespace {

using properties::tensor_file;

gpt2_config tiny() {
  gpt2_config c;
  c.vocabulary = 11, c.context = 6, c.channels = 8, c.layers = 2, c.heads = 2, c.hidden = 32;
  return c;
}

class model_folder : public test::in_folder {
 protected:
  model_folder() { write_model(folder(), initial_model(tiny(), 7)); }

  void change(const std::function<void(tensor_file&)>& how) const {
    tensor_file file = properties::read_safetensors(path("model.safetensors"));
    how(file);
    properties::write_safetensors(path("model.safetensors"), file);
  }
  static properties::stored_tensor& named(tensor_file& file, const std::string& name) {
    for (properties::stored_tensor& each : file.tensors)
      if (each.name == name) return each;
    throw std::logic_error("no " + name);
  }
  void configure(const std::string& key, const nlohmann::json& value) const {
    nlohmann::json all = nlohmann::json::parse(properties::read_file(path("config.json"), 10000));
    if (value.is_discarded())
      all.erase(key);
    else
      all[key] = value;
    properties::write_file(path("config.json"), all.dump());
  }
  // What reading says, without the folder's name.
  std::string refused() const {
    std::string what = test::refusal_of([&] { read_model(folder()); });
    if (const auto at = what.find(folder() + "/"); at != std::string::npos)
      what.erase(at, folder().size() + 1);
    return what;
  }
};

TEST_F(model_folder, gives_back_every_bit) {
  for (const dtype type : {dtype::fp32, dtype::bf16, dtype::fp16, dtype::fp64}) {
    gpt2_config config = tiny();
    config.tied = false;
    config.relu_layers = 1;
    config.activation = reference::gpt2_activation::gelu_erf;
    const model written = initial_model(config, 3, type);
    write_model(path("other"), written);
    const model read = read_model(path("other"));
    EXPECT_EQ(read.type, type);
    EXPECT_EQ(read.config.hidden, 32);
    EXPECT_EQ(read.config.relu_layers, 1);
    EXPECT_FALSE(read.config.tied);
    EXPECT_EQ(read.config.activation, reference::gpt2_activation::gelu_erf);
    ASSERT_EQ(read.parameters.size(), written.parameters.size());
    for (const auto& [name, parameter] : written.parameters) {
      const auto a = parameter.elements(), b = read.parameters.at(name).elements();
      EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin(), b.end())) << name;
    }
  }
}

TEST_F(model_folder, keeps_the_ladder) {
  for (int step = 1; step <= 5; ++step) {
    const gpt2_config config = gpt2_config::ladder(step, tiny());
    write_model(path("step"), initial_model(config, 1));
    EXPECT_EQ(parameters_of(read_config(path("step"))).size(), parameters_of(config).size());
    EXPECT_EQ(read_config(path("step")).final_activation, step < 4);
  }
}

TEST_F(model_folder, takes_a_prefix_buffers_and_a_tied_head) {
  change([](tensor_file& file) {
    for (auto& each : file.tensors) each.name = "transformer." + each.name;
    auto head = file.at("transformer.wte.weight");
    head.name = "lm_head.weight";
    auto buffer = file.at("transformer.ln_f.bias");
    buffer.name = "transformer.h.0.attn.bias";
    file.tensors.push_back(head);
    file.tensors.push_back(buffer);
  });
  EXPECT_EQ(read_model(folder()).parameters.size(), parameters_of(tiny()).size());
}

TEST_F(model_folder, says_what_is_wrong_with_the_tensors) {
  change([](tensor_file& file) {
    std::erase_if(file.tensors, [](const auto& each) { return each.name == "ln_f.bias"; });
  });
  EXPECT_EQ(refused(), "'model.safetensors' has no tensor 'ln_f.bias'");
  write_model(folder(), initial_model(tiny(), 7));
  change([](tensor_file& file) { named(file, "wte.weight").shape = {8, 11}; });
  EXPECT_EQ(refused(), "'model.safetensors': tensor 'wte.weight' is [8, 11]; expected [11, 8]");
  write_model(folder(), initial_model(tiny(), 7));
  change([](tensor_file& file) { named(file, "wte.weight").name = "wtf.weight"; });
  EXPECT_EQ(refused(), "'model.safetensors' has no tensor 'wte.weight'");
  write_model(folder(), initial_model(tiny(), 7));
  change([](tensor_file& file) {
    file.tensors.push_back(named(file, "h.0.ln_1.bias"));
    file.tensors.back().name = "h.2.ln_1.bias";
  });
  EXPECT_EQ(
      refused(),
      "'model.safetensors' has a tensor 'h.2.ln_1.bias', which is no parameter of this model");
  write_model(folder(), initial_model(tiny(), 7));
  change([](tensor_file& file) {
    file.tensors.push_back(named(file, "h.0.ln_1.bias"));
    file.tensors.back().name = "transformer.h.0.ln_1.bias";
  });
  EXPECT_EQ(refused(),
            "'model.safetensors' has 'h.0.ln_1.bias' with and without the prefix 'transformer.'");
  write_model(folder(), initial_model(tiny(), 7));
  change([](tensor_file& file) { named(file, "h.0.ln_1.weight").type = dtype::int32; });
  EXPECT_EQ(
      refused(),
      "'model.safetensors': tensor 'h.0.ln_1.weight' is int32; expected a floating-point one");
}

TEST_F(model_folder, says_which_file_is_missing_or_cut) {
  const std::string whole = properties::read_file(path("model.safetensors"), 1 << 20);
  properties::write_file(path("model.safetensors"), whole.substr(0, whole.size() - 1));
  EXPECT_NE(refused().find("model.safetensors"), std::string::npos) << refused();
  std::filesystem::remove(path("model.safetensors"));
  EXPECT_NE(refused().find("model.safetensors"), std::string::npos) << refused();
  std::filesystem::remove(path("config.json"));
  EXPECT_NE(refused().find("config.json"), std::string::npos) << refused();
}

TEST_F(model_folder, says_what_is_wrong_with_the_configuration) {
  const nlohmann::json gone = nlohmann::json::parse("", nullptr, false);
  const std::vector<std::tuple<std::string, nlohmann::json, nlohmann::json, std::string>> all = {
      {"n_embd", gone, 8, "'config.json' has no 'n_embd'"},
      {"n_head", 3, 2,
       "'config.json' has 8 channels for 3 heads, expected channels that the heads divide evenly"},
      {"n_layer", "two", 2, "'config.json' has n_layer = \"two\"; expected a whole number"},
      {"vocab_size", 0, 11, "'config.json' has vocabulary 0, expected 1 to 2^31 - 1"},
      {"activation_function", "swish", "gelu",
       "'config.json' has activation_function \"swish\"; expected gelu_new, gelu or relu"},
      {"tie_word_embeddings", 1, true,
       "'config.json' has tie_word_embeddings = 1; expected true or false"},
      {"layer_norm_epsilon", "x", 1e-5,
       "'config.json' has layer_norm_epsilon = \"x\"; expected a number"},
      {"scale_attn_by_inverse_layer_idx", true, false,
       "'config.json' has scale_attn_by_inverse_layer_idx = true; expected false"},
  };
  for (const auto& [key, wrong, right, message] : all) {
    configure(key, wrong);
    EXPECT_EQ(refused(), message);
    configure(key, right);
  }
  write("config.json", "{");
  EXPECT_EQ(refused(), "'config.json' is no JSON");
  write("config.json", "[]");
  EXPECT_EQ(refused(), "'config.json' is no JSON object");
}

double deviation(const model& of, const std::string& name) {
  double sum = 0;
  const auto values = of.parameters.at(name).elements();
  for (const double each : values) sum += each * each;
  return std::sqrt(sum / double(values.size()));
}

// 12,288 numbers: their deviation is off by 1 / sqrt(2 n) = 0.64 %, one standard deviation; by four
// of those once in 16,000 draws, and this draw is fixed.
TEST(initial_weights, are_those_of_gpt2) {
  gpt2_config config = tiny();
  config.channels = 64, config.hidden = 192, config.layers = 8;
  const model of = initial_model(config, 1);
  constexpr double k_allowed = 4 * 0.0064;
  EXPECT_NEAR(deviation(of, "h.0.mlp.c_fc.weight") / 0.02, 1, k_allowed);
  EXPECT_NEAR(deviation(of, "h.0.mlp.c_proj.weight") / (0.02 / 4), 1, k_allowed);
  EXPECT_EQ(deviation(of, "h.0.mlp.c_fc.bias"), 0);
  EXPECT_EQ(deviation(of, "h.3.ln_2.weight"), 1);
  EXPECT_EQ(deviation(of, "ln_f.bias"), 0);
  EXPECT_NE(of.parameters.at("h.0.mlp.c_fc.weight").elements()[0],
            of.parameters.at("h.1.mlp.c_fc.weight").elements()[0]);
}

TEST(initial_weights, depend_on_name_index_and_seed_alone) {
  gpt2_config longer = tiny();
  longer.layers = 3;
  const model a = initial_model(tiny(), 5), b = initial_model(longer, 5),
              c = initial_model(tiny(), 6);
  const auto of = [](const model& m) {
    return m.parameters.at("h.1.attn.c_attn.weight").elements();
  };
  EXPECT_TRUE(std::equal(of(a).begin(), of(a).end(), of(b).begin()));
  EXPECT_FALSE(std::equal(of(a).begin(), of(a).end(), of(c).begin()));
}

}  // namespace
}  // namespace assay::gpt2
