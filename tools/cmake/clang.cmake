# A toolchain file: clang++ as the newest of the versions that tools/setup installs.
find_program(ASSAY_CLANG NAMES clang++-18 clang++-16 clang++ REQUIRED)
set(CMAKE_CXX_COMPILER ${ASSAY_CLANG})
