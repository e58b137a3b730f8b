#include "bench/child_process.hpp"

#include <fmt/format.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <filesystem>

namespace assay::bench {
namespace {

[[noreturn]] void become(std::vector<std::string> arguments, const child_options& options,
                         int output, int failed) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setpgid(0, 0);  // a build's own children end with it
  dup2(output, STDOUT_FILENO);
  dup2(output, STDERR_FILENO);
  if (options.folder.empty() || chdir(options.folder.c_str()) == 0) {
    std::vector<char*> words;
    for (std::string& each : arguments) words.push_back(each.data());
    words.push_back(nullptr);
    execvp(words[0], words.data());
  }
  const int why = errno;
  (void)!write(failed, &why, sizeof why);
  _exit(127);
}

// Cuts what comes into lines.
class lines_of {
 public:
  lines_of(int pipe, const std::function<void(const std::string&)>& told)
      : pipe_(pipe), told_(told) {}

  // False at the end.
  bool read_some() {
    std::array<char, 65536> buffer{};
    const ssize_t n = ::read(pipe_, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) return true;
    if (n <= 0) {
      if (!have_.empty() && told_) told_(have_);
      return false;
    }
    have_.append(buffer.data(), std::size_t(n));
    for (std::size_t end = have_.find('\n'); end != std::string::npos; end = have_.find('\n')) {
      if (told_) told_(have_.substr(0, end));
      have_.erase(0, end + 1);
    }
    return true;
  }

 private:
  int pipe_;
  std::string have_;
  const std::function<void(const std::string&)>& told_;
};

}  // namespace

int run_child(const std::vector<std::string>& arguments, const child_options& options) {
  int output[2], failed[2];
  if (pipe2(output, O_CLOEXEC) != 0 || pipe2(failed, O_CLOEXEC) != 0)
    throw child_failed("cannot make a pipe", 127);
  const pid_t child = fork();
  if (child < 0) throw child_failed("cannot start a process", 127);
  if (child == 0) become(arguments, options, output[1], failed[1]);
  close(output[1]), close(failed[1]);
  lines_of lines(output[0], options.line);
  bool stopped = false;
  for (;;) {
    pollfd polled{output[0], POLLIN, 0};
    const int ready = poll(&polled, 1, 100);
    if (options.stop && options.stop()) {
      stopped = true;
      kill(-child, SIGKILL);
      kill(child, SIGKILL);
      break;
    }
    if (ready > 0 && !lines.read_some()) break;
  }
  int status = 0, why = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  const bool never_ran = ::read(failed[0], &why, sizeof why) == ssize_t(sizeof why);
  close(output[0]), close(failed[0]);
  if (stopped) throw child_interrupted();
  if (never_ran)
    throw child_failed(fmt::format("cannot run '{}': {}", arguments[0], std::strerror(why)), 127);
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

std::string output_of(const std::vector<std::string>& arguments, const child_options& options) {
  constexpr std::size_t k_last_lines = 12;
  std::string all;
  std::deque<std::string> last;
  child_options with = options;
  with.line = [&](const std::string& line) {
    all += line + "\n";
    last.push_back(line);
    if (last.size() > k_last_lines) last.pop_front();
    if (options.line) options.line(line);
  };
  const int status = run_child(arguments, with);
  if (status != 0) {
    std::string said;
    for (const std::string& line : last) said += (said.empty() ? "" : " | ") + line;
    throw child_failed(fmt::format("'{}{}' ended with {}: {}", arguments[0],
                                   arguments.size() > 1 ? " " + arguments[1] : "", status, said),
                       status);
  }
  if (!all.empty()) all.pop_back();
  return all;
}

std::string folder_of_this_program() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path().string();
}

}  // namespace assay::bench
