#include "bench/history.hpp"

#include "bench/waiver.hpp"
#include "properties/atomic_file.hpp"
#include "properties/bad_input.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <set>
#include <sstream>
#include <tuple>

namespace assay::bench {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;
namespace files = std::filesystem;

constexpr std::size_t k_largest_file = std::size_t(256) << 20;
constexpr const char* k_context[] = {"machine", "conditions", "software", "source"};

// "2026-11-21T22:40:00Z"
bool is_time(const std::string& text) {
  if (text.size() != 20 || text[10] != 'T' || text[13] != ':' || text[16] != ':' || text[19] != 'Z')
    return false;
  try {
    parse_date(text.substr(0, 10));
  } catch (const bad_input&) {
    return false;
  }
  for (const std::size_t at : {11, 12, 14, 15, 17, 18})
    if (text[at] < '0' || text[at] > '9') return false;
  return true;
}

record parse_line(const std::string& line, const std::string& machine, const std::string& where) {
  const json entry = json::parse(line, nullptr, false);
  if (!entry.is_object()) throw bad_input("{} is no JSON object", where);
  const auto text = [&](const char* key) {
    if (!entry.contains(key) || !entry[key].is_string())
      throw bad_input("{} has no text '{}'", where, key);
    return entry[key].get<std::string>();
  };
  record r{machine, text("benchmark"), text("time"), {}, json::object()};
  if (!is_time(r.time))
    throw bad_input("{}: '{}' is no time (2026-12-31T23:59:59Z)", where, r.time);
  const auto seconds = entry.find("seconds");
  if (seconds == entry.end() || !seconds->is_array() || seconds->empty())
    throw bad_input("{} has no list 'seconds'", where);
  for (const json& each : *seconds) {
    if (!each.is_number() || !(each.get<double>() > 0))
      throw bad_input("{}: {} is no time in seconds", where, each.dump());
    r.seconds.push_back(each.get<double>());
  }
  for (const char* key : k_context) r.context[key] = entry.value(key, json());
  return r;
}

std::string to_line(const record& r) {
  ordered_json line = {{"benchmark", r.benchmark}, {"time", r.time}, {"seconds", r.seconds}};
  for (const char* key : k_context) line[key] = r.context.value(key, json());
  return line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

std::vector<record> read_file_of(const files::path& path) {
  std::vector<record> all;
  std::istringstream lines(properties::read_file(path.string(), k_largest_file));
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    const std::string where = fmt::format("'{}', line {}", path.string(), ++number);
    all.push_back(parse_line(line, path.parent_path().filename().string(), where));
  }
  return all;
}

// All of the text at the end of the file, or nothing; nobody else appends meanwhile.
void append_text(const std::string& path, const std::string& text) {
  const int file = open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  const auto refuse = [&](const char* what) {
    const std::string why = std::strerror(errno);
    if (file >= 0) close(file);
    throw bad_input("cannot {} '{}': {}", what, path, why);
  };
  if (file < 0) refuse("open");
  if (flock(file, LOCK_EX) != 0) refuse("lock");
  const off_t before = lseek(file, 0, SEEK_END);
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t n = write(file, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int why = errno;
      (void)!ftruncate(file, before);
      errno = why;
      refuse("append to");
    }
    rest.remove_prefix(std::size_t(n));
  }
  if (fsync(file) != 0) refuse("write");
  close(file);
}

}  // namespace

std::vector<record> records_of(const results& all, const std::string& from) {
  const json assay = all.context.value("assay", json());
  if (!assay.is_object() || !assay.contains("machine_name") || !assay.contains("time") ||
      !assay["machine_name"].is_string() || !assay["time"].is_string() ||
      !is_time(assay["time"].get<std::string>()))
    throw bad_input(
        "'{}' does not say on which machine and when it was made; assay bench --out does", from);
  const auto machine = assay["machine_name"].get<std::string>();
  if (machine.empty() ||
      machine.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") != std::string::npos)
    throw bad_input("'{}': '{}' is no machine's name", from, machine);
  std::vector<record> records;
  for (const measured& each : all.benchmarks) {
    if (!each.error.empty() || each.seconds.empty()) continue;
    record r{machine, short_name(each.name), assay["time"].get<std::string>(), each.seconds,
             json::object()};
    for (const char* key : k_context) r.context[key] = assay.value(key, json());
    records.push_back(std::move(r));
  }
  return records;
}

std::map<std::string, std::size_t> append(const std::string& folder,
                                          const std::vector<record>& records) {
  std::map<std::string, std::vector<const record*>> by_file;
  for (const record& r : records)
    by_file[(files::path(folder) / r.machine / (r.time.substr(0, 7) + ".jsonl")).string()]
        .push_back(&r);
  std::map<std::string, std::size_t> added;
  for (const auto& [path, list] : by_file) {
    std::error_code error;
    files::create_directories(files::path(path).parent_path(), error);
    if (error) throw bad_input("cannot make the folder of '{}': {}", path, error.message());
    std::set<std::pair<std::string, std::string>> there;
    if (files::exists(path))
      for (const record& r : read_file_of(path)) there.emplace(r.benchmark, r.time);
    std::string text;
    for (const record* r : list) {
      if (!there.emplace(r->benchmark, r->time).second) continue;
      text += to_line(*r);
      ++added[path];
    }
    if (!text.empty()) append_text(path, text);
  }
  return added;
}

std::vector<record> read_history(const std::string& folder) {
  std::vector<files::path> paths;
  std::error_code error;
  for (const auto& machine : files::directory_iterator(folder, error))
    if (machine.is_directory())
      for (const auto& file : files::directory_iterator(machine.path()))
        if (file.path().extension() == ".jsonl") paths.push_back(file.path());
  std::sort(paths.begin(), paths.end());
  std::vector<record> all;
  for (const files::path& path : paths)
    for (record& r : read_file_of(path)) all.push_back(std::move(r));
  // A merge may leave a month's lines in any order.
  std::stable_sort(all.begin(), all.end(), [](const record& a, const record& b) {
    return std::tie(a.machine, a.benchmark, a.time) < std::tie(b.machine, b.benchmark, b.time);
  });
  const auto twice = std::unique(all.begin(), all.end(), [](const record& a, const record& b) {
    return std::tie(a.machine, a.benchmark, a.time) == std::tie(b.machine, b.benchmark, b.time);
  });
  all.erase(twice, all.end());
  return all;
}

std::string sparkline(const std::vector<double>& values) {
  constexpr const char* k_bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  if (values.empty()) return "";
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  std::string line;
  for (const double x : values) {
    const double height = *most > *least ? (x - *least) / (*most - *least) : 0;
    line += k_bars[std::min(std::size_t(height * 8), std::size_t(7))];
  }
  return line;
}

}  // namespace assay::bench
