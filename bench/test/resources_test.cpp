#include "bench/resources.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace assay::bench {
namespace {

// As ptxas of CUDA 13.0 writes it.
constexpr const char* k_report =
    "ptxas info    : 0 bytes gmem\n"
    "ptxas info    : Compiling entry function '_ZN5assay9optimized3gpu4flatIfLi4EEEvPT_S4_' for "
    "'sm_90a'\n"
    "ptxas info    : Function properties for _ZN5assay9optimized3gpu4flatIfLi4EEEvPT_S4_\n"
    "    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads\n"
    "ptxas info    : Used 32 registers, used 0 barriers\n"
    "ptxas info    : Compile time = 352.159 ms\n"
    "ptxas info    : Compiling entry function '_ZN5assay9optimized3gpu4tallEPf' for 'sm_90a'\n"
    "ptxas info    : Function properties for _ZN5assay9optimized3gpu4tallEPf\n"
    "    24 bytes stack frame, 8 bytes spill stores, 12 bytes spill loads\n"
    "ptxas info    : Used 255 registers, used 1 barriers, 24 bytes cumulative stack size, 4352 "
    "bytes smem\n";

TEST(resources, are_those_of_the_report) {
  const resource_table kernels = parse_resources(k_report);
  ASSERT_EQ(kernels.size(), 2u);
  EXPECT_EQ(kernels.at("flat<float, 4>"), (kernel_resources{32, 0, 0, 0}));
  EXPECT_EQ(kernels.at("tall"), (kernel_resources{255, 24, 20, 4352}));
  EXPECT_TRUE(parse_resources("nvcc warning : something\n").empty());
}

TEST(resources, tell_what_differs) {
  EXPECT_EQ(difference({32, 0, 0, 0}, {40, 8, 16, 0}),
            "registers 32 -> 40, stack_bytes 0 -> 8, spilled_bytes 0 -> 16");
  EXPECT_EQ(difference({32, 0, 0, 16}, {32, 0, 0, 16}), "");
}

// A report whose object is gone is of a kernel that is gone.
TEST(resources, are_collected_where_the_object_still_is) {
  namespace files = std::filesystem;
  const files::path build = files::path(testing::TempDir()) / "assay-resources";
  files::create_directories(build / "within");
  for (const char* name : {"a.cu.o", "a.cu.o.ptxas", "within/b.cu.o.ptxas"})
    std::ofstream(build / name) << name << "\n";
  EXPECT_EQ(resource_reports(build.string()), "a.cu.o.ptxas\n");
  files::remove_all(build);
  EXPECT_EQ(resource_reports(build.string()), "");
}

}  // namespace
}  // namespace assay::bench
