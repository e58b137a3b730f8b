#include "properties/safetensors.hpp"

#include "properties/atomic_file.hpp"
#include "properties/bad_input.hpp"
#include "properties/nearest.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>
#include <set>

namespace assay::properties {
namespace {

using nlohmann::json;

constexpr std::size_t k_most_bytes = std::size_t(1) << 36;
constexpr std::uint64_t k_most_header = 100'000'000;  // the format's own limit
constexpr std::array<std::pair<dtype, std::string_view>, 5> k_names = {{{dtype::fp32, "F32"},
                                                                        {dtype::bf16, "BF16"},
                                                                        {dtype::fp16, "F16"},
                                                                        {dtype::fp64, "F64"},
                                                                        {dtype::int32, "I32"}}};

std::string_view file_name_of(dtype type) {
  for (const auto& [known, name] : k_names)
    if (known == type) return name;
  return "";
}

std::optional<dtype> dtype_in_file(std::string_view name) {
  for (const auto& [type, known] : k_names)
    if (known == name) return type;
  return std::nullopt;
}

// Elements of a shape, or nothing where the number does not fit.
std::optional<std::int64_t> product(const std::vector<std::int64_t>& shape) {
  std::int64_t count = 1;
  for (std::int64_t extent : shape) {
    if (extent < 0 || (extent > 0 && count > std::numeric_limits<std::int64_t>::max() / 8 / extent))
      return std::nullopt;
    count *= extent;
  }
  return count;
}

class reader {
 public:
  reader(std::string_view contents, const std::string& whence)
      : contents_(contents), whence_(whence) {}

  tensor_file read() {
    const json header = read_header();
    tensor_file file;
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__")
        read_metadata(entry, file);
      else
        file.tensors.push_back(read_tensor(name, entry));
    }
    check_cover();  // before a byte is copied: overlapping tensors could claim any amount
    for (std::size_t t = 0; t < file.tensors.size(); ++t) {
      const auto bytes = std::as_bytes(std::span(claims_[t]));
      file.tensors[t].bytes.assign(bytes.begin(), bytes.end());
    }
    return file;
  }

 private:
  template <class... Arguments>
  [[noreturn]] void refuse(fmt::format_string<Arguments...> what, Arguments&&... arguments) const {
    throw bad_input("{}: not a safetensors file: {}", whence_,
                    fmt::format(what, std::forward<Arguments>(arguments)...));
  }

  json read_header() {
    if (contents_.size() < 8)
      refuse("it has {} bytes, fewer than the 8 of a header's length", contents_.size());
    std::uint64_t length = 0;
    for (int i = 7; i >= 0; --i) length = length << 8 | std::uint8_t(contents_[std::size_t(i)]);
    if (length > k_most_header)
      refuse("its header claims {} bytes; at most {} are allowed", length, k_most_header);
    if (length > contents_.size() - 8)
      refuse("its header claims {} bytes and {} are there", length, contents_.size() - 8);
    data_ = contents_.substr(8 + length);
    std::vector<std::set<std::string>> seen;
    bool twice = false;
    const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
      if (event == json::parse_event_t::object_start)
        seen.resize(std::size_t(depth) + 1), seen.back().clear();
      if (event == json::parse_event_t::key) {
        seen.resize(std::size_t(depth));
        twice = twice || !seen.back().insert(parsed.get<std::string>()).second;
      }
      return depth < 8;
    };
    json header = json::parse(contents_.substr(8, length), watch, false);
    if (header.is_discarded() || !header.is_object()) refuse("its header is not a JSON object");
    if (twice) refuse("a name stands twice in its header");
    return header;
  }

  void read_metadata(const json& entry, tensor_file& file) const {
    if (!entry.is_object()) refuse("__metadata__ is not an object");
    for (const auto& [key, text] : entry.items()) {
      if (!text.is_string()) refuse("__metadata__ '{}' is not a text", key);
      file.metadata[key] = text.get<std::string>();
    }
  }

  stored_tensor read_tensor(const std::string& name, const json& entry) {
    if (!entry.is_object()) refuse("'{}' is not an object", name);
    const json type = entry.value("dtype", json()), shape = entry.value("shape", json()),
               offsets = entry.value("data_offsets", json());
    if (!type.is_string() || !shape.is_array() || !offsets.is_array() || offsets.size() != 2)
      refuse("tensor '{}' lacks dtype, shape or data_offsets", name);
    const auto known = dtype_in_file(type.get<std::string>());
    if (!known)
      throw bad_input("{}: tensor '{}' has dtype {}; known are F32, BF16, F16, F64 and I32",
                      whence_, name, type.get<std::string>());
    stored_tensor tensor{name, *known, {}, {}};
    for (const json& extent : shape) tensor.shape.push_back(count_in(extent, name, "shape"));
    const std::int64_t begin = count_in(offsets[0], name, "data_offsets"),
                       end = count_in(offsets[1], name, "data_offsets");
    const auto elements = product(tensor.shape);
    if (!elements) refuse("the shape of tensor '{}' is too large", name);
    if (begin > end || std::uint64_t(end) > data_.size())
      refuse("tensor '{}' claims bytes {} to {} of {}", name, begin, end, data_.size());
    if (end - begin != *elements * std::int64_t(size_of(*known)))
      refuse("tensor '{}' has {} bytes and its shape needs {}", name, end - begin,
             *elements * std::int64_t(size_of(*known)));
    claims_.push_back(data_.substr(std::size_t(begin), std::size_t(end - begin)));
    if (begin != end) extents_.emplace_back(begin, end);
    return tensor;
  }

  std::int64_t count_in(const json& number, const std::string& name, const char* where) const {
    if (!number.is_number_unsigned() ||
        number.get<std::uint64_t>() > std::uint64_t(std::numeric_limits<std::int64_t>::max()))
      refuse("the {} of tensor '{}' has an entry that is no count: {}", where, name, number.dump());
    return number.get<std::int64_t>();
  }

  void check_cover() {
    std::sort(extents_.begin(), extents_.end());
    std::int64_t reached = 0;
    for (const auto& [begin, end] : extents_) {
      if (begin != reached)
        refuse("its tensors {} at byte {}", begin < reached ? "overlap" : "leave a gap",
               std::min(begin, reached));
      reached = end;
    }
    if (std::uint64_t(reached) != data_.size())
      refuse("{} bytes behind its tensors belong to none", data_.size() - std::uint64_t(reached));
  }

  std::string_view contents_, data_;
  const std::string& whence_;
  std::vector<std::string_view> claims_;  // of each tensor
  std::vector<std::pair<std::int64_t, std::int64_t>> extents_;
};

}  // namespace

std::int64_t stored_tensor::elements() const { return std::int64_t(bytes.size() / size_of(type)); }

const stored_tensor& tensor_file::at(std::string_view name) const {
  std::vector<std::string> names;
  for (const stored_tensor& each : tensors) {
    if (each.name == name) return each;
    names.push_back(each.name);
  }
  throw bad_input("there is no tensor '{}'; {}", name, suggestion(name, names));
}

tensor_file parse_safetensors(std::string_view contents, const std::string& whence) {
  return reader(contents, whence).read();
}

std::string print_safetensors(const tensor_file& file) {
  json header = json::object();
  std::size_t at = 0;
  std::string data;
  for (const stored_tensor& tensor : file.tensors) {
    header[tensor.name] = {{"dtype", file_name_of(tensor.type)},
                           {"shape", tensor.shape},
                           {"data_offsets", {at, at + tensor.bytes.size()}}};
    at += tensor.bytes.size();
    data.append(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
  }
  if (!file.metadata.empty()) header["__metadata__"] = file.metadata;
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');  // the data begins at a multiple of 8
  std::string contents(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) contents[i] = char(text.size() >> (8 * i) & 0xff);
  return contents + text + data;
}

tensor_file read_safetensors(const std::string& path) {
  return parse_safetensors(mapped_file(path, k_most_bytes).contents(), path);
}

void write_safetensors(const std::string& path, const tensor_file& file) {
  write_file(path, print_safetensors(file));
}

}  // namespace assay::properties
