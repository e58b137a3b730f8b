#include "properties/case.hpp"

#include "properties/bad_input.hpp"

#include <charconv>

namespace assay::properties {
namespace {

constexpr std::string_view k_version = "v1";
constexpr std::size_t k_longest = 4096;  // characters of an id

bool is_name(std::string_view text) {
  if (text.empty() || text[0] < 'a' || text[0] > 'z') return false;
  for (char c : text)
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
  return true;
}

// Cuts an id into its parts and says, in every error, which id and which part.
class id_reader {
 public:
  explicit id_reader(std::string_view whole) : whole_(whole) {
    if (whole.size() > k_longest)
      refuse(fmt::format("it has {} characters", whole.size()),
             fmt::format("at most {}", k_longest));
  }

  [[noreturn]] void refuse(std::string_view what, std::string_view expected) const {
    const bool overlong = whole_.size() > k_longest;
    throw bad_input("bad id '{}{}': {}; expected {}", whole_.substr(0, overlong ? 80 : k_longest),
                    overlong ? "..." : "", what, expected);
  }

  static std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
      const auto at = text.find(separator);
      parts.push_back(text.substr(0, at));
      if (at == std::string_view::npos) return parts;
      text.remove_prefix(at + 1);
    }
  }

  std::string name(std::string_view text, std::string_view what) const {
    if (!is_name(text))
      refuse(fmt::format("'{}' is not a {}", text, what), "lower case letters, digits and _");
    return std::string(text);
  }

  // "key=value" -> the two sides.
  std::pair<std::string, std::string_view> assignment(std::string_view text) const {
    const auto at = text.find('=');
    if (at == std::string_view::npos) refuse(fmt::format("'{}' has no '='", text), "key=value");
    return {name(text.substr(0, at), "key"), text.substr(at + 1)};
  }

  std::string_view value(std::string_view text, std::string_view key) const {
    const auto [found, rest] = assignment(text);
    if (found != key)
      refuse(fmt::format("'{}' stands where '{}=' belongs", text, key), fmt::format("{}=...", key));
    return rest;
  }

  fields numbers(const std::vector<std::string_view>& parts, std::size_t from) const {
    fields all;
    for (std::size_t i = from; i < parts.size(); ++i) {
      const auto [key, text] = assignment(parts[i]);
      const auto parsed = number::parse(text);
      if (!parsed)
        refuse(fmt::format("'{}' is not a number in its shortest form", text),
               "such as 1023, 0.5 or 1e-05");
      if (contains(all, key)) refuse(fmt::format("'{}' stands twice", key), "each key once");
      all.push_back({key, *parsed});
    }
    return all;
  }

  std::uint64_t unsigned_integer(std::string_view text) const {
    std::uint64_t value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec != std::errc() || fmt::format("{}", value) != text)
      refuse(fmt::format("'{}' is not an unsigned integer", text), "0 to 18446744073709551615");
    return value;
  }

 private:
  std::string_view whole_;
};

std::vector<tensor_type> read_types(const id_reader& reader, std::string_view text) {
  std::vector<tensor_type> types;
  for (std::string_view part : id_reader::split(text, ',')) {
    const auto [name, type] = reader.assignment(part);
    const auto known = dtype_named(type);
    if (!known)
      reader.refuse(fmt::format("'{}' is not a dtype", type), "fp32, bf16, fp16, fp64 or int32");
    for (const tensor_type& other : types)
      if (other.name == name)
        reader.refuse(fmt::format("tensor '{}' stands twice", name), "each tensor once");
    types.push_back({name, *known});
  }
  return types;
}

case_id read_case(const id_reader& reader, std::string_view text) {
  const auto parts = id_reader::split(text, '/');
  if (parts[0] != k_version)
    reader.refuse(fmt::format("its version is '{}'", parts[0]),
                  fmt::format("'{}', the only one known here", k_version));
  if (parts.size() != 6)
    reader.refuse(fmt::format("it has {} parts between slashes", parts.size()),
                  "6: version/component.variant.direction/dtypes/shape/dist=.../seed=...");
  case_id id;
  const auto names = id_reader::split(parts[1], '.');
  if (names.size() != 3)
    reader.refuse(fmt::format("'{}' has {} names", parts[1], names.size()),
                  "component.variant.direction");
  id.component = reader.name(names[0], "component");
  id.variant = reader.name(names[1], "variant");
  id.direction = reader.name(names[2], "direction");
  id.types = read_types(reader, parts[2]);
  id.shape = reader.numbers(id_reader::split(parts[3], ','), 0);
  const auto distribution = id_reader::split(parts[4], ',');
  id.distribution.name = reader.name(reader.value(distribution[0], "dist"), "distribution");
  id.distribution.parameters = reader.numbers(distribution, 1);
  id.seed = reader.unsigned_integer(reader.value(parts[5], "seed"));
  return id;
}

std::string print_fields(const fields& all) {
  std::string text;
  for (const field& each : all)
    text += (text.empty() ? "" : ",") + each.key + "=" + each.value.text();
  return text;
}

}  // namespace

number value_of(const fields& all, std::string_view key, number otherwise) {
  for (const field& each : all)
    if (each.key == key) return each.value;
  return otherwise;
}

bool contains(const fields& all, std::string_view key) {
  for (const field& each : all)
    if (each.key == key) return true;
  return false;
}

dtype case_id::type_of(std::string_view tensor) const {
  for (const tensor_type& each : types)
    if (each.name == tensor) return each.type;
  throw bad_input("case '{}' has no tensor '{}'", print(*this), tensor);
}

std::int64_t case_id::dimension(std::string_view key) const {
  for (const field& each : shape) {
    if (each.key != key) continue;
    if (each.value.is_integer()) return each.value.as_integer();
    throw bad_input("case '{}': {}={} is no size", print(*this), key, each.value.text());
  }
  throw bad_input("case '{}' has no dimension '{}'", print(*this), key);
}

std::string print(const case_id& id) {
  std::string types;
  for (const tensor_type& each : id.types)
    types += fmt::format("{}{}={}", types.empty() ? "" : ",", each.name, name_of(each.type));
  const std::string parameters = print_fields(id.distribution.parameters);
  return fmt::format("{}/{}/{}/{}/dist={}{}{}/seed={}", k_version, id.function(), types,
                     print_fields(id.shape), id.distribution.name, parameters.empty() ? "" : ",",
                     parameters, id.seed);
}

std::string print(const run_id& id) {
  return fmt::format("{}@impl={},on={},sched={}", print(id.of), id.implementation, id.backend,
                     id.schedule);
}

case_id parse_case(std::string_view text) {
  const id_reader reader(text);
  if (text.find('@') != std::string_view::npos)
    reader.refuse("it names a run", "a case, without the part from '@' on");
  return read_case(reader, text);
}

run_id parse_run(std::string_view text) {
  const id_reader reader(text);
  const auto at = text.find('@');
  if (at == std::string_view::npos)
    reader.refuse("it names no run", "...@impl=NAME,on=BACKEND,sched=N");
  run_id id{read_case(reader, text.substr(0, at)), "", "", 0};
  const auto parts = id_reader::split(text.substr(at + 1), ',');
  if (parts.size() != 3) reader.refuse("its run is incomplete", "impl=NAME,on=BACKEND,sched=N");
  id.implementation = reader.name(reader.value(parts[0], "impl"), "implementation");
  id.backend = reader.name(reader.value(parts[1], "on"), "backend");
  id.schedule = reader.unsigned_integer(reader.value(parts[2], "sched"));
  return id;
}

}  // namespace assay::properties
