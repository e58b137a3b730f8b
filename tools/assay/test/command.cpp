#include "tools/assay/test/command.hpp"

#include <gmock/gmock.h>
#include <pty.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace assay::tools::test {
namespace {

// Reads both pipes until both are closed.
void drain(std::array<int, 2> pipes, std::array<std::string*, 2> into) {
  for (;;) {
    std::array<pollfd, 2> polled{};
    for (std::size_t i = 0; i < 2; ++i) polled[i] = {pipes[i], POLLIN, 0};
    if (pipes[0] < 0 && pipes[1] < 0) return;
    poll(polled.data(), polled.size(), -1);
    for (std::size_t i = 0; i < 2; ++i) {
      if (pipes[i] < 0 || !polled[i].revents) continue;
      char buffer[65536];
      const ssize_t n = read(pipes[i], buffer, sizeof buffer);
      if (n > 0) {
        into[i]->append(buffer, std::size_t(n));
      } else {  // a terminal ends with EIO
        close(pipes[i]);
        pipes[i] = -1;
      }
    }
  }
}

[[noreturn]] void become(const std::vector<std::string>& arguments, const std::string& folder,
                         const how& with) {
  if (chdir(folder.c_str()) != 0) _exit(126);
  unsetenv("NO_COLOR");
  for (const std::string& each : with.environment) putenv(const_cast<char*>(each.c_str()));
  if (with.largest_file) {
    const rlimit limit{with.largest_file, with.largest_file};
    setrlimit(RLIMIT_FSIZE, &limit);
    std::signal(SIGXFSZ, SIG_IGN);  // so that write() fails, as on a full disk
  }
  std::vector<char*> words = {const_cast<char*>(with.program.c_str())};
  for (const std::string& each : arguments) words.push_back(const_cast<char*>(each.c_str()));
  words.push_back(nullptr);
  execv(words[0], words.data());
  _exit(127);
}

ended run(const std::vector<std::string>& arguments, const std::string& folder, const how& with) {
  int out[2] = {-1, -1}, err[2] = {-1, -1};
  if (pipe2(err, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  const int made = with.on_terminal ? openpty(&out[0], &out[1], nullptr, nullptr, nullptr)
                                    : pipe2(out, O_CLOEXEC);
  if (made != 0) throw std::runtime_error("no pipe or terminal");
  const pid_t child = fork();
  if (child == 0) {
    dup2(with.to.empty() ? out[1] : open(with.to.c_str(), O_WRONLY), STDOUT_FILENO);
    dup2(err[1], STDERR_FILENO);
    if (!with.from.empty()) dup2(open(with.from.c_str(), O_RDONLY), STDIN_FILENO);
    close(out[0]), close(out[1]);
    become(arguments, folder, with);
  }
  close(out[1]), close(err[1]);
  ended result;
  if (with.meanwhile) with.meanwhile(child);
  drain({out[0], err[0]}, {&result.out, &result.err});
  int status = 0;
  waitpid(child, &status, 0);
  result.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return result;
}

}  // namespace

std::vector<std::string> ended::lines() const {
  std::vector<std::string> all;
  std::istringstream stream(out);
  for (std::string line; std::getline(stream, line);) all.push_back(line);
  return all;
}

std::string ended::line_from_end(std::size_t back) const {
  const std::vector<std::string> all = lines();
  return back < all.size() ? all[all.size() - 1 - back] : "";
}

nlohmann::json ended::json() const {
  nlohmann::json parsed = nlohmann::json::parse(out, nullptr, false);
  EXPECT_FALSE(parsed.is_discarded()) << "no JSON: " << out << err;
  return parsed.is_discarded() ? nlohmann::json() : parsed;
}

ended command::assay(const std::vector<std::string>& arguments, const how& with) const {
  return run(arguments, folder_.path(), with);
}

ended command::broken(const std::vector<std::string>& arguments) const {
  return run(arguments, folder_.path(), {.program = ASSAY_BROKEN});
}

bool command::exists(const std::string& name) const { return std::filesystem::exists(path(name)); }

std::string command::contents(const std::string& name) const {
  std::ifstream stream(path(name), std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void command::write(const std::string& name, const std::string& contents) const {
  std::ofstream(path(name), std::ios::binary) << contents;
}

std::vector<std::string> command::files() const {
  std::vector<std::string> names;
  for (const auto& each : std::filesystem::directory_iterator(folder_.path()))
    names.push_back(each.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

void expect_refused(const ended& result, const std::string& because, const std::string& program) {
  EXPECT_EQ(result.code, 2) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_THAT(result.err, testing::StartsWith(program + ": "));
  EXPECT_THAT(result.err, testing::HasSubstr(because));
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  EXPECT_EQ(result.err.back(), '\n');
}

namespace {

nlohmann::json doctor_on(const std::string& what) {
  for (const auto& fact : run({"doctor", "--json"}, ".", {}).json())
    if (fact.at("what") == what) return fact;
  return {{"found", "nothing"}, {"follows", "nothing"}};
}

}  // namespace

bool has_gpu() { return doctor_on("GPU").at("follows") == "assay check runs on it"; }

std::string why_no_cuda() {
  const std::string side = doctor_on("CUDA side").at("found");
  return side.starts_with("built by nvcc") ? "no device" : "built without CUDA";
}

}  // namespace assay::tools::test
