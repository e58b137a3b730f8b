# Finds nvcc 12.8 or newer: on PATH, in the usual places, or where `tools/setup --cuda` put it.
# Sets ASSAY_WITH_CUDA and defines assay_cuda_flags.

set(ASSAY_WITH_CUDA OFF)
if(NOT ASSAY_CUDA STREQUAL "OFF")
  find_program(ASSAY_NVCC nvcc
    HINTS ${PROJECT_SOURCE_DIR}/.cuda/bin ENV CUDA_HOME ENV CUDA_PATH PATH_SUFFIXES bin
    PATHS /usr/local/cuda/bin)
  if(ASSAY_NVCC)
    execute_process(COMMAND ${ASSAY_NVCC} --version OUTPUT_VARIABLE version ERROR_QUIET)
    string(REGEX MATCH "release ([0-9]+\\.[0-9]+)" _ "${version}")
    if(CMAKE_MATCH_1 VERSION_GREATER_EQUAL 12.8)
      set(CMAKE_CUDA_COMPILER ${ASSAY_NVCC})
      set(CMAKE_CUDA_HOST_COMPILER ${CMAKE_CXX_COMPILER})
      set(CMAKE_CUDA_ARCHITECTURES OFF)
      # Outermost, so that a cache behind it gives the report again.
      set(CMAKE_CUDA_COMPILER_LAUNCHER ${PROJECT_SOURCE_DIR}/tools/cmake/keep_ptxas_report
        ${CMAKE_CUDA_COMPILER_LAUNCHER})
      enable_language(CUDA)
      set(ASSAY_WITH_CUDA ON)
    else()
      message(STATUS "nvcc ${CMAKE_MATCH_1} at ${ASSAY_NVCC} is older than 12.8")
    endif()
  endif()
  if(ASSAY_CUDA STREQUAL "ON" AND NOT ASSAY_WITH_CUDA)
    message(FATAL_ERROR "ASSAY_CUDA=ON, and no nvcc 12.8 or newer was found; `tools/setup --cuda` brings one")
  endif()
endif()
message(STATUS "CUDA side: ${ASSAY_WITH_CUDA}")

# sm_90a machine code for Hopper, compute_80 PTX for everything else from Ampere on. CMake 3.25 does
# not know CUDA's C++20, so the standard is an option. The arithmetic options are the emulator's:
# separately rounded operations, subnormals kept, IEEE division and square root.
add_library(assay_cuda_flags INTERFACE)
target_include_directories(assay_cuda_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(assay_cuda_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20
    -gencode=arch=compute_90a,code=sm_90a -gencode=arch=compute_80,code=compute_80
    -fmad=false -ftz=false -prec-div=true -prec-sqrt=true
    --expt-relaxed-constexpr -Xptxas=-v $<IF:$<BOOL:${ASSAY_BUNDLE}>,--compress-mode=size,-lineinfo> -Xcompiler=-Wall,-Wextra
    $<$<CXX_COMPILER_ID:GNU>:-Xcompiler=-ffp-contract=off>>)
