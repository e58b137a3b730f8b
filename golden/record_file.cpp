// A golden as a file, and as text.

#include "golden/record.hpp"
#include "properties/bad_input.hpp"
#include "properties/staged_call.hpp"
#include "properties/values.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <algorithm>
#include <set>
#include <sstream>

namespace assay::golden {

using namespace properties;

namespace {

constexpr std::string_view k_case_prefix = "v1/";

std::string hash_of(const std::vector<std::byte>& bytes) {
  return fmt::format("{:016x}", XXH3_64bits(bytes.data(), bytes.size()));
}

std::string described(const recorded_case& of) {
  std::string all;
  for (const tensor& each : of.tensors)
    all += fmt::format("{}{} {} {}", all.empty() ? "" : "; ", each.name, name_of(each.what),
                       hash_of(each.bytes));
  return all;
}

holding holding_named(const std::string& name) {
  for (holding each :
       {holding::input, holding::rounded, holding::near, holding::within, holding::error})
    if (name_of(each) == name) return each;
  throw bad_input("a tensor is said to hold '{}'", name);
}

class file_reader {
 public:
  explicit file_reader(const tensor_file& file) : file_(file) {}

  record read() {
    require("format", std::string(k_format));
    record of;
    of.component = text("component");
    for (const auto& [key, value] : file_.metadata)
      if (key.starts_with(k_case_prefix))
        of.cases.push_back(read_case(key, value));
      else if (key != "format" && key != "component")
        of.provenance[key] = value;
    for (const stored_tensor& each : file_.tensors)
      if (!used_.contains(each.name)) throw bad_input("tensor '{}' belongs to no case", each.name);
    for (const recorded_case& each : of.cases)
      if (each.id.component != of.component)
        throw bad_input("case '{}' is none of '{}'", print(each.id), of.component);
    return of;
  }

 private:
  std::string text(const std::string& key) const {
    const auto found = file_.metadata.find(key);
    if (found == file_.metadata.end())
      throw bad_input("not a golden: its metadata has no '{}'", key);
    return found->second;
  }
  void require(const std::string& key, const std::string& expected) const {
    if (text(key) != expected)
      throw bad_input("its {} is '{}'; this assay reads '{}'", key, text(key), expected);
  }

  recorded_case read_case(const std::string& key, const std::string& description) {
    recorded_case of{parse_case(key), {}};
    std::istringstream items(description);
    for (std::string item; std::getline(items, item, ';');) {
      std::istringstream words(item);
      std::string name, what, hash, more;
      if (!(words >> name >> what >> hash) || words >> more)
        throw bad_input("case '{}': expected NAME HOLDS HASH, not '{}'", key, item);
      of.tensors.push_back(read_tensor(key, name, holding_named(what), hash));
    }
    require_whole(key, of);
    return of;
  }

  tensor read_tensor(const std::string& key, const std::string& name, holding what,
                     const std::string& hash) {
    const stored_tensor& stored = file_.at(key + ":" + name);
    if (!used_.insert(stored.name).second)
      throw bad_input("tensor '{}' is named twice", stored.name);
    if (hash_of(stored.bytes) != hash)
      throw bad_input("the bytes of '{}' are not those that were recorded: hash {}, recorded {}",
                      stored.name, hash_of(stored.bytes), hash);
    return {name, what, stored.type, stored.shape, stored.bytes};
  }

  // Every tensor of the id is there, in its dtype, and what goes with it is of its shape.
  static void require_whole(const std::string& key, const recorded_case& of) {
    for (const tensor_type& each : of.id.types) {
      const tensor* const found = of.find(each.name);
      if (!found) throw bad_input("case '{}' has no tensor '{}'", key, each.name);
      if (found->type != each.type)
        throw bad_input("'{}:{}' is {}, not {}", key, each.name, name_of(found->type),
                        name_of(each.type));
      for (const char* suffix : {".truth", ".error"})
        if (const tensor* const beside = of.find(each.name + suffix))
          if (beside->type != dtype::fp64 || beside->shape != found->shape)
            throw bad_input("'{}:{}' is not as '{}'", key, beside->name, each.name);
    }
  }

  const tensor_file& file_;
  std::set<std::string> used_;
};

std::string element_text(double value) { return fmt::format("{:a} {:.17g}", value, value); }

}  // namespace

tensor_file to_file(const record& of) {
  tensor_file file;
  file.metadata = of.provenance;
  file.metadata["format"] = k_format;
  file.metadata["component"] = of.component;
  for (const recorded_case& each : of.cases) {
    file.metadata[print(each.id)] = described(each);
    for (const tensor& t : each.tensors)
      file.tensors.push_back({print(each.id) + ":" + t.name, t.type, t.shape, t.bytes});
  }
  return file;
}

record from_file(const tensor_file& file, const std::string& whence) {
  try {
    return file_reader(file).read();
  } catch (const bad_input& wrong) {
    throw bad_input("{}: {}", whence, wrong.what());
  }
}

record parse_record(std::string_view contents, const std::string& whence) {
  return from_file(parse_safetensors(contents, whence), whence);
}

std::string text_of(const record& of) {
  std::string all = fmt::format("golden of {}\n", of.component);
  for (const auto& [key, value] : of.provenance) all += fmt::format("{}: {}\n", key, value);
  for (const recorded_case& each : of.cases) {
    all += fmt::format("\n{}\n", print(each.id));
    for (const tensor& t : each.tensors) {
      all += fmt::format("  {} {} [{}] {}\n", t.name, name_of(t.type), fmt::join(t.shape, ", "),
                         name_of(t.what));
      const std::vector<double> values = t.values();
      for (std::size_t i = 0; i < values.size(); ++i)
        all += fmt::format("    {}[{}] {}\n", t.name, i, element_text(values[i]));
    }
  }
  return all;
}

}  // namespace assay::golden
