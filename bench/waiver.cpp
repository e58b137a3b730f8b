#include "bench/waiver.hpp"

#include "properties/atomic_file.hpp"
#include "properties/bad_input.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <sstream>

namespace assay::bench {
namespace {

using nlohmann::json;

constexpr std::size_t k_largest_file = std::size_t(16) << 20;

std::optional<unsigned> number_in(const std::string& text, std::size_t at, std::size_t count) {
  unsigned value = 0;
  const char* const end = text.data() + at + count;
  const auto [stop, error] = std::from_chars(text.data() + at, end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

waiver parse_line(const std::string& line, const std::string& where) {
  const json entry = json::parse(line, nullptr, false);
  if (!entry.is_object()) throw bad_input("{} is no JSON object", where);
  const auto text = [&](const char* key) {
    if (!entry.contains(key) || !entry[key].is_string() || entry[key].get<std::string>().empty())
      throw bad_input("{} has no text '{}'", where, key);
    return entry[key].get<std::string>();
  };
  return {text("id"), text("reason"), parse_date(text("until"))};
}

}  // namespace

date today() {
  return date(std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()));
}

date parse_date(const std::string& text) {
  if (text.size() == 10 && text[4] == '-' && text[7] == '-') {
    const auto y = number_in(text, 0, 4), m = number_in(text, 5, 2), d = number_in(text, 8, 2);
    if (y && m && d) {
      const date day{std::chrono::year(int(*y)), std::chrono::month(*m), std::chrono::day(*d)};
      if (day.ok()) return day;
    }
  }
  throw bad_input("'{}' is no date; a date looks like 2026-12-31", text);
}

std::string print(date day) {
  return fmt::format("{:04}-{:02}-{:02}", int(day.year()), unsigned(day.month()),
                     unsigned(day.day()));
}

waivers waivers::parse(const std::string& text, const std::string& from) {
  waivers all;
  std::istringstream lines(text);
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    all.add(parse_line(line, fmt::format("'{}', line {}", from, number)));
  }
  return all;
}

waivers waivers::read(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) return {};
  return parse(properties::read_file(path, k_largest_file), path);
}

void waivers::add(waiver added) {
  for (waiver& each : all_)
    if (each.id == added.id) return void(each = std::move(added));
  all_.push_back(std::move(added));
}

void waivers::write(const std::string& path) const {
  std::string text;
  for (const waiver& each : all_)
    text += json{{"id", each.id}, {"reason", each.reason}, {"until", print(each.until)}}.dump(
                -1, ' ', false, json::error_handler_t::replace) +
            "\n";
  properties::write_file(path, text);
}

const waiver* waivers::holding(const std::string& id, date day) const {
  for (const waiver& each : all_)
    if (each.id == id && day <= each.until) return &each;
  return nullptr;
}

std::vector<std::string> waivers::complaints(const std::vector<std::string>& known,
                                             date day) const {
  std::vector<std::string> told;
  for (const waiver& each : all_) {
    if (each.until < day)
      told.push_back(fmt::format("the waiver of {} expired on {} ({})", each.id, print(each.until),
                                 each.reason));
    if (!known.empty() && std::find(known.begin(), known.end(), each.id) == known.end())
      told.push_back(fmt::format("the waiver of {} is of no benchmark there is", each.id));
  }
  return told;
}

}  // namespace assay::bench
