# assay_test(name LABEL label SOURCES ... LIBRARIES ... [TIMEOUT seconds])
#   a GoogleTest executable whose tests ctest knows one by one. Every test adds the CPU seconds it
#   took to the ledger of its label; the test `ledger`, which runs last, fails when a label took more
#   than its share (tools/ledger/shares.txt).
include(GoogleTest)
enable_testing()
set(ASSAY_LEDGER ${PROJECT_BINARY_DIR}/ledger)
set(ASSAY_SLOWER 1)  # how many times the seconds of a time limit
if(ASSAY_HOST_SANITIZER)
  set(ASSAY_SLOWER 5)  # attention's tests under ASan and UBSan: 4.8
endif()

add_library(assay_test_main STATIC ${PROJECT_SOURCE_DIR}/tools/ledger/main.cpp)
target_link_libraries(assay_test_main PUBLIC assay_flags gtest gmock rapidcheck fmt)

function(assay_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL;TIMEOUT" "SOURCES;LIBRARIES")
  if(NOT arg_LABEL OR NOT arg_SOURCES)
    message(FATAL_ERROR "assay_test(${name}): LABEL and SOURCES are needed")
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  math(EXPR arg_TIMEOUT "${ASSAY_SLOWER} * ${arg_TIMEOUT}")
  add_executable(${name} ${arg_SOURCES})
  assay_tidy_without_analyzer(${name})
  target_link_libraries(${name} PRIVATE assay_test_main ${arg_LIBRARIES})
  # Of values without a text GoogleTest prints addresses, which would be part of a test's name.
  gtest_discover_tests(${name} NO_PRETTY_VALUES DISCOVERY_TIMEOUT 60
    PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT} FIXTURES_REQUIRED ledger
      ENVIRONMENT ASSAY_LEDGER=${ASSAY_LEDGER}/${arg_LABEL})
endfunction()

# assay_script_test(name LABEL label COMMAND ...): a test that is a command; its CPU time is recorded
# by tools/ledger/record.
function(assay_script_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL;TIMEOUT" "COMMAND")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 600)
  endif()
  math(EXPR arg_TIMEOUT "${ASSAY_SLOWER} * ${arg_TIMEOUT}")
  add_test(NAME ${name} WORKING_DIRECTORY ${PROJECT_BINARY_DIR}
    COMMAND ${PROJECT_SOURCE_DIR}/tools/ledger/record ${ASSAY_LEDGER}/${arg_LABEL} ${name} ${arg_COMMAND})
  set_tests_properties(${name} PROPERTIES LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT} FIXTURES_REQUIRED ledger)
endfunction()

add_test(NAME ledger.open COMMAND ${CMAKE_COMMAND} -E rm -rf ${ASSAY_LEDGER})
set_tests_properties(ledger.open PROPERTIES FIXTURES_SETUP ledger LABELS ledger)
set(column plain)
if(ASSAY_HOST_SANITIZER MATCHES "^([a-z]+)")  # address or thread
  set(column ${CMAKE_MATCH_1})
endif()
add_test(NAME ledger COMMAND ${PROJECT_SOURCE_DIR}/tools/ledger/judge
  ${ASSAY_LEDGER} ${PROJECT_SOURCE_DIR}/tools/ledger/shares.txt ${column})
set_tests_properties(ledger PROPERTIES FIXTURES_CLEANUP ledger LABELS ledger)
