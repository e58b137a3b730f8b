// The main function of every GoogleTest executable: runs the tests, then writes the CPU seconds
// that the process and its children took to the ledger named by ASSAY_LEDGER (a folder, one per
// label). RapidCheck draws the same cases in every run, unless RC_PARAMS says otherwise.

#include <gtest/gtest.h>

#include <sys/resource.h>
#include <unistd.h>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>

namespace {

double cpu_seconds(int who) {
  rusage usage{};
  getrusage(who, &usage);
  const auto seconds = [](const timeval& t) { return double(t.tv_sec) + 1e-6 * double(t.tv_usec); };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

void enter_into_ledger(const char* folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  const std::string file = std::string(folder) + "/" + std::to_string(getpid());
  if (std::FILE* out = std::fopen(file.c_str(), "a")) {
    std::fprintf(out, "%.3f %s\n", cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN),
                 ::testing::GTEST_FLAG(filter).c_str());
    std::fclose(out);
  }
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  setenv("RC_PARAMS", "seed=1", false);
  const int result = RUN_ALL_TESTS();
  if (const char* ledger = std::getenv("ASSAY_LEDGER")) enter_into_ledger(ledger);
  return result;
}
