#include "bench/machine.hpp"

#include "bench/child_process.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <cctype>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace assay::bench {
namespace {

using nlohmann::json;
namespace files = std::filesystem;

std::string first_line(const files::path& path) {
  std::ifstream stream(path);
  std::string line;
  std::getline(stream, line);
  return line;
}

// What follows "KEY : " in /proc/cpuinfo, where it stands first.
std::string cpu_info(const std::string& key) {
  std::ifstream stream("/proc/cpuinfo");
  for (std::string line; std::getline(stream, line);) {
    const std::size_t colon = line.find(':');
    if (line.rfind(key, 0) == 0 && colon != std::string::npos && colon + 2 <= line.size())
      return line.substr(colon + 2);
  }
  return "";
}

json number_or_null(const std::string& text, double scale = 1) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return end == text.c_str() ? json() : json(value * scale);
}

// Fields that nvidia-smi tells of the first GPU; empty where there is none.
std::vector<std::string> gpu_fields(const std::string& names) {
  std::vector<std::string> fields;
  try {
    std::istringstream line(output_of(
        {"nvidia-smi", "--id=0", "--query-gpu=" + names, "--format=csv,noheader,nounits"}));
    for (std::string field; std::getline(line, field, ',');) {
      const std::size_t begin = field.find_first_not_of(' ');
      fields.push_back(begin == std::string::npos ? "" : field.substr(begin));
    }
  } catch (const child_failed&) {  // no nvidia-smi, no device
  }
  return fields;
}

// The processor's temperature where a sensor says that it is one.
json cpu_celsius() {
  std::error_code error;
  for (const auto& zone : files::directory_iterator("/sys/class/thermal", error)) {
    const std::string type = first_line(zone.path() / "type");
    if (type.find("pkg_temp") != std::string::npos || type.find("cpu") != std::string::npos)
      return number_or_null(first_line(zone.path() / "temp"), 1e-3);
  }
  for (const auto& sensor : files::directory_iterator("/sys/class/hwmon", error)) {
    const std::string name = first_line(sensor.path() / "name");
    if (name == "k10temp" || name == "coretemp")
      return number_or_null(first_line(sensor.path() / "temp1_input"), 1e-3);
  }
  return {};
}

}  // namespace

json this_machine() {
  const std::string cpu = cpu_info("model name");
  json machine = {{"cpu", cpu.empty() ? "unknown" : cpu},
                  {"cores", std::thread::hardware_concurrency()},
                  {"gpu", nullptr},
                  {"sms", nullptr},
                  {"power_limit_w", nullptr}};
  if (const auto gpu = gpu_fields("name,power.limit"); gpu.size() == 2) {
    machine["gpu"] = gpu[0];
    machine["power_limit_w"] = number_or_null(gpu[1]);
  }
  return machine;
}

std::string folder_name(const json& machine) {
  const auto text = [&](const char* key) {
    const auto found = machine.find(key);
    return found == machine.end() || !found->is_string() ? "" : found->get<std::string>();
  };
  const auto whole = [&](const char* key) {
    const auto found = machine.find(key);
    return found == machine.end() || !found->is_number() ? 0L : long(found->get<double>());
  };
  std::string name = fmt::format("{} {} cores", text("cpu"), whole("cores"));
  if (!text("gpu").empty()) name += " " + text("gpu");
  if (whole("sms")) name += fmt::format(" {} sms", whole("sms"));
  if (whole("power_limit_w")) name += fmt::format(" {} w", whole("power_limit_w"));
  std::string plain;
  for (const char c : name) {
    const auto code = static_cast<unsigned char>(c);
    if (std::isalnum(code))
      plain += char(std::tolower(code));
    else if (!plain.empty() && plain.back() != '-')
      plain += '-';
  }
  while (!plain.empty() && plain.back() == '-') plain.pop_back();
  return plain;
}

json present_conditions() {
  json now = {{"cpu_mhz", number_or_null(cpu_info("cpu MHz"))},
              {"cpu_celsius", cpu_celsius()},
              {"load", number_or_null(first_line("/proc/loadavg"))},
              {"gpu_mhz", nullptr},
              {"gpu_memory_mhz", nullptr},
              {"gpu_celsius", nullptr}};
  if (const auto gpu = gpu_fields("clocks.sm,clocks.mem,temperature.gpu"); gpu.size() == 3) {
    now["gpu_mhz"] = number_or_null(gpu[0]);
    now["gpu_memory_mhz"] = number_or_null(gpu[1]);
    now["gpu_celsius"] = number_or_null(gpu[2]);
  }
  return now;
}

json present_software() {
#if defined(__clang__)
  const std::string compiler = fmt::format("clang {}", __clang_version__);
#else
  const std::string compiler = fmt::format("g++ {}", __VERSION__);
#endif
  json all = {{"compiler", compiler}, {"cuda", nullptr}, {"driver", nullptr}};
#if defined(ASSAY_NVCC_VERSION)
  all["cuda"] = ASSAY_NVCC_VERSION;
#endif
  if (const auto gpu = gpu_fields("driver_version"); gpu.size() == 1) all["driver"] = gpu[0];
  return all;
}

json present_source(const std::string& folder) {
  try {
    const std::string commit = output_of({"git", "-C", folder, "rev-parse", "HEAD"});
    const bool modified =
        !output_of({"git", "-C", folder, "status", "--porcelain", "--untracked-files=no"}).empty();
    return {{"commit", commit}, {"modified", modified}};
  } catch (const child_failed&) {
    return {{"commit", nullptr}, {"modified", nullptr}};
  }
}

std::string present_time() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

}  // namespace assay::bench
