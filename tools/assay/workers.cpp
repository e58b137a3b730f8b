#include "tools/assay/workers.hpp"

#include "properties/bad_input.hpp"

#include <fmt/format.h>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

namespace assay::tools {
namespace {

using nlohmann::json;
using clock = std::chrono::steady_clock;

bool write_line(int pipe, const std::string& line) {
  std::string_view rest = line;
  while (!rest.empty()) {
    const ssize_t n = write(pipe, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    rest.remove_prefix(std::size_t(n));
  }
  return true;
}

// Reads a pipe line by line.
class line_reader {
 public:
  explicit line_reader(int pipe) : pipe_(pipe) {}

  // What is there now; false at the end of the pipe.
  bool fill() {
    char buffer[65536];
    const ssize_t n = read(pipe_, buffer, sizeof buffer);
    if (n < 0) return errno == EINTR || errno == EAGAIN;
    have_.append(buffer, std::size_t(n));
    return n > 0;
  }
  std::optional<std::string> line() {
    const auto end = have_.find('\n');
    if (end == std::string::npos) return std::nullopt;
    std::string first = have_.substr(0, end);
    have_.erase(0, end + 1);
    return first;
  }

 private:
  int pipe_;
  std::string have_;
};

// What the handler returns, or what it threw.
json answered(const std::function<json(const json&)>& handler, const std::string& request) {
  try {
    return {{"value", handler(json::parse(request))}};
  } catch (const bad_input& wrong) {
    return {{"bad_input", wrong.what()}};
  } catch (const std::exception& error) {
    return {{"error", error.what()}};
  }
}

// What a child's answer means here: bad input goes on as an exception, any other error loses this
// one job.
job_result result_of(const json& answer) {
  if (answer.contains("bad_input")) throw bad_input(answer.at("bad_input").get<std::string>());
  if (answer.contains("error"))
    return {job_result::end::crashed, {}, "error: " + answer.at("error").get<std::string>()};
  return {job_result::end::returned, answer.at("value"), ""};
}

// Writing to a worker that has died is an error to be seen, not a signal to die of.
class no_sigpipe {
 public:
  no_sigpipe() : before_(std::signal(SIGPIPE, SIG_IGN)) {}
  no_sigpipe(const no_sigpipe&) = delete;
  no_sigpipe& operator=(const no_sigpipe&) = delete;
  ~no_sigpipe() { std::signal(SIGPIPE, before_); }

 private:
  void (*before_)(int);
};

[[noreturn]] void serve(int requests, int answers,
                        const std::function<json(const json&)>& handler) {
  std::signal(SIGINT, SIG_IGN);  // the parent decides what an interrupt means
  line_reader reader(requests);
  for (;;) {
    std::optional<std::string> request = reader.line();
    while (!request) {
      if (!reader.fill()) _exit(0);
      request = reader.line();
    }
    // NOLINTNEXTLINE(bugprone-unchecked-optional-access): the loop ends with one
    const json answer = answered(handler, *request);
    const std::string line = answer.dump(-1, ' ', false, json::error_handler_t::replace);
    if (!write_line(answers, line + "\n")) _exit(0);
  }
}

class worker {
 public:
  explicit worker(const std::function<json(const json&)>& handler) {
    int to[2], from[2];
    if (pipe(to) != 0 || pipe(from) != 0) throw std::runtime_error("cannot make a pipe");
    std::fflush(nullptr);
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error("cannot start a process");
    if (pid_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);  // a kernel that hangs must not outlive who waits for it
      close(to[1]), close(from[0]);
      serve(to[0], from[1], handler);
    }
    close(to[0]), close(from[1]);
    to_ = to[1], from_ = from[0];
    reader_ = line_reader(from_);
  }
  worker(const worker&) = delete;
  worker& operator=(const worker&) = delete;
  ~worker() {
    close(to_), close(from_);
    if (pid_ <= 0) return;  // it died, and was waited for
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }

  int pipe_number() const { return from_; }
  bool busy() const { return job_.has_value(); }
  // Of a busy worker.
  std::size_t job() const { return *job_; }  // NOLINT(bugprone-unchecked-optional-access)
  double seconds() const { return std::chrono::duration<double>(clock::now() - begun_).count(); }

  void begin(std::size_t index, const json& job) {
    job_ = index;
    begun_ = clock::now();
    write_line(to_, job.dump() + "\n");
  }

  // The answer, if it is complete; how the process ended, if it did.
  std::optional<job_result> collect() {
    const bool alive = reader_.fill();
    if (const auto line = reader_.line()) {
      job_.reset();
      return result_of(json::parse(*line));
    }
    if (alive) return std::nullopt;
    int status = 0;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    std::string death =
        WIFSIGNALED(status)
            ? fmt::format("its process died of signal {} ({})", WTERMSIG(status),
                          strsignal(WTERMSIG(status)))
            : fmt::format("its process ended with exit status {}", WEXITSTATUS(status));
    return job_result{job_result::end::crashed, {}, std::move(death)};
  }

 private:
  pid_t pid_ = -1;
  int to_ = -1, from_ = -1;
  line_reader reader_{-1};
  std::optional<std::size_t> job_;
  clock::time_point begun_;
};

}  // namespace

void run_in_processes(const std::vector<json>& jobs, const worker_options& options,
                      const std::function<json(const json&)>& handler,
                      const std::function<void(std::size_t, const job_result&)>& done,
                      const std::function<bool()>& stop) {
  const no_sigpipe guard;
  const std::size_t cores = std::max(1u, std::thread::hardware_concurrency());
  const std::size_t count =
      std::min<std::size_t>(options.processes ? options.processes : cores, jobs.size());
  std::vector<std::unique_ptr<worker>> workers(count);
  std::size_t next = 0;
  const auto give_work = [&](std::unique_ptr<worker>& w) {
    if (next == jobs.size() || stop()) return;
    if (!w) w = std::make_unique<worker>(handler);
    w->begin(next, jobs[next]);
    ++next;
  };
  for (auto& w : workers) give_work(w);
  for (;;) {
    std::vector<pollfd> polled;
    std::vector<std::size_t> who;
    for (std::size_t i = 0; i < count; ++i)
      if (workers[i] && workers[i]->busy())
        polled.push_back({workers[i]->pipe_number(), POLLIN, 0}), who.push_back(i);
    if (polled.empty()) break;
    poll(polled.data(), polled.size(), 100);
    if (stop()) break;  // the workers' destructors end what is running
    for (std::size_t k = 0; k < polled.size(); ++k) {
      auto& w = workers[who[k]];
      const std::size_t job = w->job();
      std::optional<job_result> result;
      if (polled[k].revents) result = w->collect();
      if (!result && w->seconds() > options.time_limit_seconds)
        result = job_result{
            job_result::end::timed_out,
            {},
            fmt::format("it hung: no result after {:.3g} s", options.time_limit_seconds)};
      if (!result) continue;
      if (result->how != job_result::end::returned || (options.spoils && options.spoils(*result)))
        w.reset();
      done(job, *result);
      give_work(w);
    }
  }
}

job_result run_in_process(const json& job, double time_limit_seconds,
                          const std::function<json(const json&)>& handler) {
  job_result result;
  run_in_processes(
      {job}, {1, time_limit_seconds, {}}, handler,
      [&](std::size_t, const job_result& r) { result = r; }, [] { return false; });
  return result;
}

}  // namespace assay::tools
