#include "tools/assay/journal.hpp"

#include "properties/bad_input.hpp"

#include <fcntl.h>
#include <unistd.h>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>

namespace assay::tools {
namespace {

constexpr std::size_t k_width = 1024;  // bytes of a slot: several times a long id
constexpr const char *k_prefix = "fuzz-", *k_suffix = ".journal";

// The process that wrote a journal of this name; 0 where it is none.
int owner_of(const std::string& name) {
  const std::string_view prefix = k_prefix, suffix = k_suffix;
  if (name.size() <= prefix.size() + suffix.size() || !name.starts_with(prefix) ||
      !name.ends_with(suffix))
    return 0;
  int process = 0;
  const char* const end = name.data() + name.size() - suffix.size();
  const auto [stop, error] = std::from_chars(name.data() + prefix.size(), end, process);
  return error == std::errc() && stop == end ? process : 0;
}

bool runs(int process) { return kill(process, 0) == 0 || errno == EPERM; }

}  // namespace

journal::journal(const std::string& folder, std::size_t slots) : owner_(getpid()) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  path_ = folder + "/" + k_prefix + std::to_string(owner_) + k_suffix;
  file_ = open(path_.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file_ < 0) throw bad_input("cannot write '{}': {}", path_, std::strerror(errno));
  for (std::size_t slot = 0; slot < slots; ++slot) clear(slot);
}

journal::~journal() {
  close(file_);
  if (getpid() == owner_) unlink(path_.c_str());
}

void journal::write(std::size_t slot, const std::string& line) const {
  std::string padded = line.substr(0, k_width - 1);
  padded.resize(k_width - 1, ' ');
  padded += '\n';
  // A disk that is full loses the name of what crashes, and no more than that.
  [[maybe_unused]] const ssize_t written =
      pwrite(file_, padded.data(), padded.size(), off_t(slot * k_width));
}

std::string journal::read(std::size_t slot) const {
  std::string line(k_width, ' ');
  const ssize_t n = pread(file_, line.data(), line.size(), off_t(slot * k_width));
  line.resize(n > 0 ? std::size_t(n) : 0);
  return line.substr(0, line.find(' '));
}

std::vector<std::string> journal::left_behind(const std::string& folder) {
  std::vector<std::string> lines;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const int process = owner_of(entry.path().filename().string());
    if (process == 0 || runs(process)) continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);)
      if (line = line.substr(0, line.find(' ')); !line.empty()) lines.push_back(line);
    std::filesystem::remove(entry.path(), error);
  }
  return lines;
}

}  // namespace assay::tools
