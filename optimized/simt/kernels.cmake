# assay_kernels(NAME SOURCES file.cu ... [LIBRARIES ...]): one kernel source, three builds.
#
#   NAME_plain       object library, C++, the fast emulator
#   NAME_sanitized   object library, C++, the emulator that checks and counts
#   NAME_gpu         object library, CUDA, where ASSAY_WITH_CUDA
#
# LIBRARIES are linked to all three. A program links the ones it wants, all three if it likes.
#
# NAME_plain and NAME_gpu may go into a shared library (assay_for_shared_libraries).
#
# CMake's LANGUAGE property holds for a directory. So the C++ builds are made here, and the CUDA ones at
# the end of optimized/CMakeLists.txt by the directory simt/cuda, from what is noted in global properties.
function(assay_kernels name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
  list(TRANSFORM arg_SOURCES PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/ REGEX "^[^/]")
  set_source_files_properties(${arg_SOURCES} PROPERTIES LANGUAGE CXX)
  foreach(build plain sanitized)
    add_library(${name}_${build} OBJECT ${arg_SOURCES})
    target_link_libraries(${name}_${build} PUBLIC assay_simt_${build} ${arg_LIBRARIES})
  endforeach()
  set_target_properties(${name}_plain PROPERTIES CXX_CLANG_TIDY "")  # the same source once more
  set_property(GLOBAL APPEND PROPERTY ASSAY_KERNELS ${name})
  set_property(GLOBAL PROPERTY ASSAY_KERNELS_${name}_SOURCES ${arg_SOURCES})
  set_property(GLOBAL PROPERTY ASSAY_KERNELS_${name}_LIBRARIES ${arg_LIBRARIES})
endfunction()

# assay_for_shared_libraries(target ...): objects that a shared library may hold, as fast in a program as
# others: no function is looked up that stands beside its caller, and what belongs to a thread has a
# fixed place (a library that is loaded later finds room for a few of those).
function(assay_for_shared_libraries)
  set_target_properties(${ARGN} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  foreach(target IN LISTS ARGN)
    target_compile_options(${target} PRIVATE
      $<$<COMPILE_LANGUAGE:CXX>:-fno-semantic-interposition -ftls-model=initial-exec>)
  endforeach()
endfunction()
