# Compile options that every target of assay links, as interface targets; nothing is set globally.
#
# assay_flags       language, warnings, arithmetic. Floating-point contraction is off everywhere: the
#                   emulator must round where the GPU rounds, and the reference's error-free
#                   transforms are theorems about separately rounded operations.
# assay_processor   the check, in every program, that the processor has the instructions of this build

set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_CXX_EXTENSIONS OFF)

if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  # The emulator needs a hardware fused multiply-add; assay_processor checks for it at run time.
  set(ASSAY_ARCHITECTURE_FLAGS -march=x86-64-v3 -mtune=generic)
elseif(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(aarch64|arm64)$")
  message(FATAL_ERROR "assay runs on x86-64-v3 and aarch64 (a hardware fma is needed); this is ${CMAKE_SYSTEM_PROCESSOR}")
endif()

add_library(assay_flags INTERFACE)
target_compile_features(assay_flags INTERFACE cxx_std_20)
target_include_directories(assay_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(assay_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wshadow=local -Werror=return-type
    -ffp-contract=off -fno-math-errno ${ASSAY_ARCHITECTURE_FLAGS}>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # g++ 12 sees overlaps in std::string's operator+ that cannot be (GCC bug 105651).
  target_compile_options(assay_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # clang spells gcc's -Wshadow=local as the weaker half of -Wshadow; take none rather than all.
  get_target_property(options assay_flags INTERFACE_COMPILE_OPTIONS)
  string(REPLACE "-Wshadow=local;" "" options "${options}")
  set_target_properties(assay_flags PROPERTIES INTERFACE_COMPILE_OPTIONS "${options}")
endif()

# It is compiled without assay_flags: for the oldest processor, and watched by nothing.
add_library(assay_processor STATIC ${CMAKE_CURRENT_LIST_DIR}/processor.cpp)
set_target_properties(assay_processor PROPERTIES POSITION_INDEPENDENT_CODE ON)  # shared libraries ask for it too
target_compile_options(assay_processor PRIVATE -Wall -Wextra)
target_link_libraries(assay_flags INTERFACE assay_processor)
target_link_options(assay_flags INTERFACE LINKER:-u,assay_processor_check)

if(ASSAY_HOST_SANITIZER)
  target_compile_options(assay_flags INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${ASSAY_HOST_SANITIZER} -fno-omit-frame-pointer -g1
      -fno-sanitize-recover=undefined>)
  target_link_options(assay_flags INTERFACE -fsanitize=${ASSAY_HOST_SANITIZER})
endif()

if(ASSAY_BUNDLE)
  # A target that links a shared C++ library says ASSAY_SHARED_RUNTIME: two C++ runtimes in one process
  # are one too many. Shared libraries lie beside the binaries; the older tag makes the path hold for
  # their own needs too.
  set(shared_runtime "$<BOOL:$<TARGET_PROPERTY:ASSAY_SHARED_RUNTIME>>")
  target_link_options(assay_flags INTERFACE
    "$<$<NOT:${shared_runtime}>:-static-libstdc++;-static-libgcc>" -Wl,--disable-new-dtags)
  set(CMAKE_BUILD_RPATH "\$ORIGIN")
endif()

if(ASSAY_TIDY)
  find_program(ASSAY_CLANG_TIDY NAMES clang-tidy-16 clang-tidy-18 clang-tidy REQUIRED)
  set(CMAKE_CXX_CLANG_TIDY ${ASSAY_CLANG_TIDY} --quiet)
endif()

# For tests: the analyzer follows GoogleTest's macros for half a minute a file, and finds nothing.
function(assay_tidy_without_analyzer target)
  if(ASSAY_TIDY)
    set_target_properties(${target} PROPERTIES
      CXX_CLANG_TIDY "${CMAKE_CXX_CLANG_TIDY};--checks=-clang-analyzer-*")
  endif()
endfunction()
