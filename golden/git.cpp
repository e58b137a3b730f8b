#include "golden/git.hpp"

#include "properties/bad_input.hpp"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>

namespace assay::golden {

std::optional<std::string> git(const std::string& folder,
                               const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {"git", "-C", folder};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& each : words) pointers.push_back(each.data());
  pointers.push_back(nullptr);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  const pid_t child = fork();
  if (child == 0) {
    const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(nothing, STDIN_FILENO);
    dup2(ends[1], STDOUT_FILENO);
    dup2(nothing, STDERR_FILENO);
    execvp(pointers[0], pointers.data());
    _exit(127);
  }
  close(ends[1]);
  std::string output;
  char buffer[65536];
  ssize_t count = 0;
  while ((count = read(ends[0], buffer, sizeof buffer)) > 0 || (count < 0 && errno == EINTR))
    if (count > 0) output.append(buffer, std::size_t(count));
  close(ends[0]);
  int status = 0;
  if (child < 0) return std::nullopt;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return std::nullopt;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return std::nullopt;
  return output;
}

void require_commit(const std::string& folder, const std::string& revision) {
  if (!git(folder, {"rev-parse", "--git-dir"}))
    throw bad_input("{}: it is in no git repository (or there is no git)", folder);
  const bool option = revision.empty() || revision[0] == '-';
  if (option || !git(folder, {"rev-parse", "--quiet", "--verify", revision + "^{commit}"}))
    throw bad_input("'{}' is no commit of the repository of {}", revision, folder);
}

std::string commit_of(const std::string& folder) {
  const auto head = git(folder, {"rev-parse", "--verify", "HEAD"});
  if (!head || head->empty()) return "unknown";
  const auto changed = git(folder, {"status", "--porcelain", "--untracked-files=no"});
  const bool dirty = !changed || !changed->empty();
  return head->substr(0, head->find('\n')) + (dirty ? " and changes" : "");
}

}  // namespace assay::golden
