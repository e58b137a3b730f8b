#include "bench/by_turns.hpp"

#include "bench/child_process.hpp"
#include "properties/bad_input.hpp"
#include "properties/temporary_folder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <sstream>

namespace assay::bench {
namespace {

namespace files = std::filesystem;

// A regular expression that matches these names and no others.
std::string filter_for(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) {
    all += all.empty() ? "^(" : "|";
    for (const char c : name) {
      if (std::string(".[]()*+?^$|{}\\").find(c) != std::string::npos) all += '\\';
      all += c;
    }
  }
  return all + ")$";
}

std::vector<std::string> command_of(const timed_program& program) {
  std::vector<std::string> words = {program.path};
  words.insert(words.end(), program.arguments.begin(), program.arguments.end());
  return words;
}

// The entry of the median repetition (of an even number, the faster of the middle two).
const nlohmann::json& median_entry(const measured& of) {
  std::vector<std::size_t> order(of.seconds.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return of.seconds[a] < of.seconds[b]; });
  return of.entries[order[(order.size() - 1) / 2]];
}

void add_process(results& all, const results& process) {
  all.context = process.context;
  for (const measured& each : process.benchmarks) {
    auto into = std::find_if(all.benchmarks.begin(), all.benchmarks.end(),
                             [&](const measured& m) { return m.name == each.name; });
    if (into == all.benchmarks.end())
      into = all.benchmarks.insert(into, measured{each.name, {}, {}, {}});
    if (!each.error.empty()) into->error = each.error;
    if (each.seconds.empty()) continue;
    std::vector<double> sorted = each.seconds;
    std::sort(sorted.begin(), sorted.end());
    into->seconds.push_back(sorted[(sorted.size() - 1) / 2]);
    into->entries.push_back(median_entry(each));
  }
}

}  // namespace

std::vector<std::string> benchmarks_of(const timed_program& program) {
  std::vector<std::string> words = command_of(program), names;
  words.emplace_back("--benchmark_list_tests=true");
  std::istringstream lines(output_of(words));
  for (std::string line; std::getline(lines, line);)
    if (!line.empty()) names.push_back(line);
  return names;
}

std::vector<results> measure_by_turns(const std::vector<timed_program>& programs,
                                      const std::vector<std::string>& names,
                                      const turn_options& options) {
  const properties::temporary_folder scratch;
  const std::size_t total = programs.size() * options.processes * names.size();
  std::vector<results> all(programs.size());
  std::vector<std::size_t> order(programs.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::mt19937_64 random(options.seed);
  std::size_t processes = 0;
  for (std::size_t turn = 0; turn < options.processes; ++turn) {
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
    for (const std::size_t which : order) {
      const std::string file = scratch.file(fmt::format("{}.json", processes));
      std::vector<std::string> words = command_of(programs[which]);
      if (turn > 0)
        words.insert(words.end(), programs[which].later.begin(), programs[which].later.end());
      words.push_back("--benchmark_filter=" + filter_for(names));
      words.push_back(fmt::format("--benchmark_min_time={}", options.min_time));
      words.push_back(fmt::format("--benchmark_repetitions={}", options.repetitions));
      words.push_back("--benchmark_out=" + file);
      words.emplace_back("--benchmark_out_format=json");
      std::size_t lines = 0;
      std::string last;
      const auto line_came = [&](const std::string& line) {
        last = line;
        const bool of_benchmark = line.find('/') != std::string::npos && line[0] != ' ';
        lines += of_benchmark && line.find(" us ") != std::string::npos;
        const std::size_t done = std::min(lines / options.repetitions, names.size());
        if (options.progress) options.progress(processes * names.size() + done, total);
      };
      const int status = run_child(words, {"", line_came, options.stop});
      if ((status != 0 && status != 1) || !files::exists(file))
        throw child_failed(
            fmt::format("'{}' ended with {}: {}", programs[which].path, status, last), status);
      add_process(all[which], read_results(file));
      ++processes;
      if (options.progress) options.progress(processes * names.size(), total);
    }
  }
  return all;
}

}  // namespace assay::bench
