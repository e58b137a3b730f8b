#include "bench/counter_table.hpp"

#include "optimized/launcher.hpp"
#include "properties/atomic_file.hpp"
#include "properties/bad_input.hpp"
#include "properties/staged_call.hpp"

#include <nlohmann/json.hpp>

#include <array>
#include <filesystem>
#include <sstream>

namespace assay::bench {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
using simt::counters;

constexpr std::size_t k_largest_file = std::size_t(64) << 20;

struct counter_field {
  const char* name;
  std::uint64_t counters::*where;
};
constexpr std::array k_fields = {
    counter_field{"global_loads", &counters::global_loads},
    counter_field{"global_load_bytes", &counters::global_load_bytes},
    counter_field{"global_load_sectors", &counters::global_load_sectors},
    counter_field{"global_stores", &counters::global_stores},
    counter_field{"global_store_bytes", &counters::global_store_bytes},
    counter_field{"global_store_sectors", &counters::global_store_sectors},
    counter_field{"global_atomics", &counters::global_atomics},
    counter_field{"global_atomic_bytes", &counters::global_atomic_bytes},
    counter_field{"global_atomic_sectors", &counters::global_atomic_sectors},
    counter_field{"shared_accesses", &counters::shared_accesses},
    counter_field{"shared_wavefronts", &counters::shared_wavefronts},
    counter_field{"shared_bank_conflicts", &counters::shared_bank_conflicts},
    counter_field{"shared_atomics", &counters::shared_atomics},
    counter_field{"tensor_core_flops", &counters::tensor_core_flops},
    counter_field{"barriers", &counters::barriers},
    counter_field{"collectives", &counters::collectives},
};
static_assert(sizeof(counters) == k_fields.size() * sizeof(std::uint64_t), "a counter has no name");

std::pair<std::string, accepted_counters> parse_line(const std::string& line,
                                                     const std::string& where) {
  const json entry = json::parse(line, nullptr, false);
  if (!entry.is_object() || !entry.contains("id") || !entry["id"].is_string())
    throw bad_input("{} is no JSON object with an 'id'", where);
  accepted_counters into;
  for (const auto& [key, value] : entry.items()) {
    if (key == "id") continue;
    if (key == "why" && value.is_string()) {
      into.why = value.get<std::string>();
      continue;
    }
    bool known = false;
    for (const counter_field& each : k_fields)
      if (key == each.name && value.is_number_unsigned())
        into.counted.*each.where = value.get<std::uint64_t>(), known = true;
    if (!known) throw bad_input("{}: '{}' is no counter with a whole number", where, key);
  }
  return {entry["id"].get<std::string>(), into};
}

}  // namespace

std::vector<properties::run_id> counted_runs(const properties::contract& c) {
  std::vector<properties::run_id> all;
  for (const properties::case_id& id : c.cases) {
    const std::int64_t elements =
        properties::piece_elements_of(c, id) * id.dimension(c.dimensions.front());
    if (properties::elements_of(c, id) == 0 || elements > k_most_counted_elements) continue;
    for (const properties::implementation& by : c.implementations) {
      if (by.declines && !by.declines(id).empty()) continue;
      if (!by.in_place && properties::value_of(id.shape, "inplace", 0) == properties::number(1))
        continue;
      if (optimized::find_launcher(simt::build::sanitized, c.function(), by.name))
        all.push_back({id, by.name, "emulator", 0});
    }
  }
  return all;
}

counters count(const properties::run_id& id) {
  const properties::contract& c = properties::contract_of(id.of);
  simt::backend& place = simt::sanitized_emulator();
  const optimized::launcher* const by =
      optimized::find_launcher(place.build(), c.function(), id.implementation);
  if (!by) throw bad_input("{} has no kernel '{}'", c.function(), id.implementation);
  const properties::case_inputs inputs = properties::make_inputs(c, id.of);
  properties::staged_call staged(c, inputs, place, *by);
  simt::emulation how;
  how.workers = 1;
  how.blocks_in_order = true;
  how.run = properties::print(id);
  place.take_counters();
  staged.execute(how, std::byte(0xff));
  place.take_findings();
  return place.take_counters();
}

std::vector<std::pair<std::string, std::uint64_t>> named(const counters& all) {
  std::vector<std::pair<std::string, std::uint64_t>> list;
  for (const counter_field& each : k_fields) list.emplace_back(each.name, all.*each.where);
  return list;
}

std::string difference(const counters& before, const counters& after) {
  std::string told;
  for (const counter_field& each : k_fields)
    if (before.*each.where != after.*each.where)
      told += fmt::format("{}{} {} -> {}", told.empty() ? "" : ", ", each.name, before.*each.where,
                          after.*each.where);
  return told;
}

counter_table parse_counters(const std::string& text, const std::string& from) {
  counter_table table;
  std::istringstream lines(text);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::string where = fmt::format("'{}', line {}", from, ++number);
    if (!table.insert(parse_line(line, where)).second)
      throw bad_input("{}: a second entry of this id", where);
  }
  return table;
}

counter_table read_counters(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return {};
  return parse_counters(properties::read_file(path, k_largest_file), path);
}

std::string to_text(const counter_table& table) {
  std::string text;
  for (const auto& [id, entry] : table) {
    ordered_json line = {{"id", id}};
    for (const auto& [name, value] : named(entry.counted))
      if (value) line[name] = value;
    line["why"] = entry.why;
    text += line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  }
  return text;
}

std::string counter_change::told() const {
  if (!accepted) return fmt::format("{}: it has no accepted counters", id);
  if (!now) return fmt::format("{}: accepted counters of a run that is not there", id);
  return fmt::format("{}: {}", id, difference(*accepted, *now));
}

std::vector<counter_change> changes(const counter_table& accepted,
                                    const std::map<std::string, counters>& now) {
  std::vector<counter_change> all;
  for (const auto& [id, counted] : now) {
    const auto entry = accepted.find(id);
    if (entry == accepted.end())
      all.push_back({id, std::nullopt, counted});
    else if (!(entry->second.counted == counted))
      all.push_back({id, entry->second.counted, counted});
  }
  for (const auto& [id, entry] : accepted)
    if (!now.count(id)) all.push_back({id, entry.counted, std::nullopt});
  return all;
}

counter_table accept(counter_table table, const std::vector<counter_change>& changed,
                     const std::string& reason) {
  for (const counter_change& each : changed)
    if (each.now)
      table[each.id] = {*each.now, reason};
    else
      table.erase(each.id);
  return table;
}

std::string component_of(const std::string& id) {
  const std::size_t begin = id.find('/') + 1;
  return id.substr(begin, id.find('.', begin) - begin);
}

}  // namespace assay::bench
