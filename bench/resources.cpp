#include "bench/resources.hpp"

#include <cxxabi.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <vector>

namespace assay::bench {
namespace {

std::string demangled(const std::string& symbol) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(
      abi::__cxa_demangle(symbol.c_str(), nullptr, nullptr, &status), &std::free);
  return name ? name.get() : symbol;
}

// "void assay::optimized::gpu::map<F, 4>(parameters)" without its result, parameters and the
// namespaces of the project.
std::string short_kernel_name(std::string name) {
  int depth = 0;
  for (std::size_t i = name.size(); i-- > 0;) {
    if (name[i] == ')') ++depth;
    if (name[i] == '(' && --depth == 0) {
      name.resize(i);
      break;
    }
  }
  if (name.rfind("void ", 0) == 0) name.erase(0, 5);
  for (const std::string space : {"assay::optimized::gpu::", "assay::optimized::", "assay::"})
    for (std::size_t at; (at = name.find(space)) != std::string::npos;)
      name.erase(at, space.size());
  return name;
}

// The text between quotes behind `before`; empty where that is not in the line.
std::string quoted_behind(const std::string& line, const std::string& before) {
  const std::size_t at = line.find(before + " '");
  if (at == std::string::npos) return {};
  const std::size_t begin = at + before.size() + 2;
  return line.substr(begin, line.find('\'', begin) - begin);
}

void add_shared_and_registers(const std::string& line, kernel_resources& into) {
  const std::size_t used = line.find("Used ");
  if (used == std::string::npos) return;
  std::istringstream parts(line.substr(used));
  for (std::string part; std::getline(parts, part, ',');) {
    long long value = 0;
    char what[32] = {};
    if (std::sscanf(part.c_str(), "Used %lld registers", &value) == 1) into.registers = value;
    if (std::sscanf(part.c_str(), " %lld bytes %31s", &value, what) == 2 &&
        std::string(what) == "smem")
      into.shared_bytes = value;
  }
}

struct named_value {
  const char* name;
  std::int64_t kernel_resources::*value;
};
constexpr named_value k_values[] = {{"registers", &kernel_resources::registers},
                                    {"stack_bytes", &kernel_resources::stack_bytes},
                                    {"spilled_bytes", &kernel_resources::spilled_bytes},
                                    {"shared_bytes", &kernel_resources::shared_bytes}};

}  // namespace

resource_table parse_resources(const std::string& report) {
  std::map<std::string, kernel_resources> by_symbol;
  std::istringstream lines(report);
  kernel_resources* now = nullptr;
  for (std::string line; std::getline(lines, line);) {
    if (const std::string symbol = quoted_behind(line, "entry function"); !symbol.empty())
      now = &by_symbol[symbol];
    if (!now) continue;
    long long stack = 0, stores = 0, loads = 0;
    if (std::sscanf(line.c_str(),
                    " %lld bytes stack frame, %lld bytes spill stores, %lld bytes spill loads",
                    &stack, &stores, &loads) == 3)
      now->stack_bytes = stack, now->spilled_bytes = stores + loads;
    add_shared_and_registers(line, *now);
  }
  std::map<std::string, int> count;
  for (const auto& each : by_symbol) ++count[short_kernel_name(demangled(each.first))];
  resource_table table;
  for (const auto& [symbol, resources] : by_symbol) {
    const std::string full = demangled(symbol), name = short_kernel_name(full);
    table[count[name] > 1 ? full : name] = resources;
  }
  return table;
}

std::string resource_reports(const std::string& build) {
  namespace files = std::filesystem;
  std::vector<files::path> found;
  std::error_code error;
  for (files::recursive_directory_iterator at(build, error), end; at != end; at.increment(error)) {
    files::path object = at->path();
    if (object.extension() != ".ptxas") continue;
    if (files::exists(object.replace_extension())) found.push_back(at->path());
  }
  std::sort(found.begin(), found.end());
  std::string all;
  for (const files::path& each : found) {
    std::ifstream report(each);
    all.append(std::istreambuf_iterator<char>(report), {});
  }
  return all;
}

std::string difference(const kernel_resources& before, const kernel_resources& after) {
  std::string told;
  for (const auto& [name, value] : k_values)
    if (before.*value != after.*value)
      told +=
          fmt::format("{}{} {} -> {}", told.empty() ? "" : ", ", name, before.*value, after.*value);
  return told;
}

}  // namespace assay::bench
