// bench --against: a revision is built and compared by turns.

#include "tools/assay/test/command.hpp"

#include <gmock/gmock.h>

#include <cstdlib>

namespace assay::tools::test {
namespace {

using testing::AllOf;
using testing::ContainsRegex;
using testing::HasSubstr;

// A repository whose assay_bench writes times and counters that its source says.
constexpr const char* k_fake_program = R"(
#include <stdio.h>
#include <string.h>
#include <time.h>
static double scatter(void) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return (double)(now.tv_nsec / 1000 % 997) / 997;
}
int main(int argc, char** argv) {
  const char* out = 0;
  const char* counters = 0;
  for (int i = 1; i < argc; ++i) {
    if (!strncmp(argv[i], "--benchmark_out=", 16)) out = argv[i] + 16;
    if (!strncmp(argv[i], "--counters=", 11)) counters = argv[i] + 11;
    if (!strcmp(argv[i], "--benchmark_list_tests=true")) {
      puts("relu.plain.fwd/select/fp32/emulator/cold/manual_time");
      puts("relu.plain.bwd/select/fp32/emulator/cold/manual_time");
      return 0;
    }
  }
  FILE* file = fopen(out ? out : counters, "w");
  if (counters)
    fprintf(file, "{\"id\":\"v1/relu.plain.fwd/x=fp32,y=fp32/n=7/dist=normal/seed=1@impl=select,"
                  "on=emulator,sched=0\",\"global_load_bytes\":%d}\n", BYTES);
  else
    fprintf(file, "{\"benchmarks\":[{\"name\":\"relu.plain.fwd/select/fp32/emulator/cold/manual_time\","
                  "\"real_time\":%.17g},{\"name\":\"relu.plain.bwd/select/fp32/emulator/cold/manual_time\","
                  "\"real_time\":%.17g}]}", TIME * (1 + 0.003 * scatter()), 50 * (1 + 0.003 * scatter()));
  return fclose(file);
}
)";

class fake_repository : public command {
 protected:
  void shell(const std::string& what) const {
    ASSERT_EQ(std::system(("cd '" + path("") + "' && (" + what + ") >log 2>&1").c_str()), 0)
        << what << "\n"
        << contents("log");
  }
  void commit(const std::string& bytes, const std::string& time) const {
    write("main.c", "#define BYTES " + bytes + "\n#define TIME " + time + "\n" + k_fake_program);
    shell("git add CMakeLists.txt main.c && git -c user.name=n -c user.email=e commit -qm m");
  }
};

TEST_F(fake_repository, bench_against_a_revision_builds_it_and_compares_by_turns) {
  write("CMakeLists.txt",
        "cmake_minimum_required(VERSION 3.25)\nproject(fake C)\nadd_executable(assay_bench "
        "main.c)\n");
  shell("git init -q");
  commit("28", "100");
  commit("56", "120");
  shell("cmake -S . -B build -G Ninja");
  const std::vector<std::string> against = {"bench",      "--build",      "build",      "--against",
                                            "HEAD~1",     "--waivers",    "w",          "--out",
                                            "after.json", "--out-before", "before.json"};
  const ended slow = assay(against);
  EXPECT_EQ(slow.code, 3) << slow.err;
  EXPECT_THAT(slow.out,
              ContainsRegex("relu.plain.fwd/.* 1\\.(19|20).* SLOW .*global_load_bytes 28 -> 56"));
  EXPECT_THAT(slow.out, ContainsRegex("relu.plain.bwd/.* SAME"));
  EXPECT_EQ(assay({"compare", "before.json", "after.json"}).code, 3);  // the same rule on its files

  // The revision is kept as a program; its worktree is gone.
  shell("test $(git worktree list | wc -l) = 1 && test $(ls build/against | wc -l) = 1");
  shell("touch -d 2001-01-01 build/against/*");
  write("w",
        R"({"id":"relu.plain.fwd/select/fp32/emulator/cold","reason":"r","until":"2999-01-01"})"
        "\n"
        R"({"id":"nothing","reason":"r","until":"2999-01-01"})");
  const ended waived = assay(against);
  EXPECT_EQ(waived.code, 0);
  EXPECT_THAT(waived.err, HasSubstr("the waiver of nothing is of no benchmark there is"));
  shell("test $(stat -c %Y build/against/*) -lt 1000000000");  // it was not built again

  expect_refused(assay({"bench", "--build", "build", "--against", "no-such"}), "is no revision");
  commit("syntax error(", "1");
  const ended broken = assay({"bench", "--build", "build", "--against", "HEAD"});
  EXPECT_EQ(broken.code, 2);
  EXPECT_THAT(broken.err, AllOf(HasSubstr("'cmake --build' ended with"), HasSubstr("error")));
  shell("test $(git worktree list | wc -l) = 1 && test $(ls build/against | wc -l) = 1");
}

}  // namespace
}  // namespace assay::tools::test
