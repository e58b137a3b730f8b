// assay: holds CUDA kernels against the mathematics they claim to compute.

#include "tools/assay/application.hpp"

int main(int argc, char** argv) { return assay::tools::run_application(argc, argv); }
