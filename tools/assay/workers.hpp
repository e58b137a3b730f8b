// Jobs in child processes: a job that crashes, hangs or throws loses itself and nothing else; only
// bad_input goes on in the caller. Children die with the process that started them.
#pragma once

#include <nlohmann/json.hpp>

#include <functional>
#include <string>
#include <vector>

namespace assay::tools {

struct job_result {
  enum class end { returned, crashed, timed_out, skipped };
  end how = end::skipped;
  nlohmann::json value;  // what the handler returned
  std::string death;     // of any other end, in words: "its process died of signal 11 (...)"
};

struct worker_options {
  unsigned processes = 0;           // 0: one per core
  double time_limit_seconds = 300;  // of one job
  // Did this job leave its process unfit for another (a CUDA context that is lost)? Null: never.
  std::function<bool(const job_result&)> spoils;
};

// Runs handler(job) for every job, each in one of a few forked processes, and calls done(index,
// result) here as they end. Stops early, and leaves the rest skipped, once `stop` returns true. The
// calling process must not have started threads or a CUDA context: children inherit neither.
void run_in_processes(const std::vector<nlohmann::json>& jobs, const worker_options& options,
                      const std::function<nlohmann::json(const nlohmann::json&)>& handler,
                      const std::function<void(std::size_t, const job_result&)>& done,
                      const std::function<bool()>& stop);

// One job in one process.
job_result run_in_process(const nlohmann::json& job, double time_limit_seconds,
                          const std::function<nlohmann::json(const nlohmann::json&)>& handler);

}  // namespace assay::tools
