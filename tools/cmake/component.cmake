# The components and parts of them: ASSAY_COMPONENTS names them, and each has four files of its name.
# From the list two files are generated, one that gathers the launchers of a build and one that gathers
# the contracts:
#
#   ASSAY_COMPONENT_KERNELS     optimized/NAME.cu, and the list of launchers
#   ASSAY_COMPONENT_CONTRACTS   properties/NAME.cpp, and the list of contracts

set(ASSAY_COMPONENT_KERNELS "")
set(ASSAY_COMPONENT_CONTRACTS "")
set(launcher_declarations "")
set(launcher_calls "")
set(contract_declarations "")
set(contract_calls "")

# assay_component(name): the four files are there, and join the lists.
macro(assay_component name)
  foreach(file reference/${name}.hpp optimized/${name}.cuh optimized/${name}.cu properties/${name}.cpp)
    if(NOT EXISTS ${PROJECT_SOURCE_DIR}/${file})
      message(FATAL_ERROR "component '${name}' has no ${file} (the list of components is in CMakeLists.txt)")
    endif()
  endforeach()
  list(APPEND ASSAY_COMPONENT_KERNELS ${PROJECT_SOURCE_DIR}/optimized/${name}.cu)
  list(APPEND ASSAY_COMPONENT_CONTRACTS ${PROJECT_SOURCE_DIR}/properties/${name}.cpp)
  string(APPEND launcher_declarations "std::span<const launcher> ${name}_launchers();\n")
  string(APPEND launcher_calls "  for (const launcher& each : ${name}_launchers()) all.push_back(each);\n")
  string(APPEND contract_declarations "std::vector<contract> ${name}_contracts();\n")
  string(APPEND contract_calls "  for (contract& each : ${name}_contracts()) all.push_back(std::move(each));\n")
endmacro()

foreach(component IN LISTS ASSAY_COMPONENTS)
  assay_component(${component})
endforeach()

file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/launchers.cu @ONLY CONTENT
[[// Generated from the list of components.
#include "optimized/launcher.hpp"
#include "optimized/simt/build.cuh"

#include <vector>

namespace assay::optimized::inline ASSAY_BUILD {
@launcher_declarations@
std::vector<launcher> all_launchers() {
  std::vector<launcher> all;
@launcher_calls@  return all;
}
}  // namespace assay::optimized::inline ASSAY_BUILD
]])
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/contracts.cpp @ONLY CONTENT
[[// Generated from the list of components.
#include "properties/components.hpp"

namespace assay::properties {
@contract_declarations@
std::vector<contract> all_contracts() {
  std::vector<contract> all;
@contract_calls@  return all;
}
}  // namespace assay::properties
]])
list(APPEND ASSAY_COMPONENT_KERNELS ${PROJECT_BINARY_DIR}/generated/launchers.cu)
list(APPEND ASSAY_COMPONENT_CONTRACTS ${PROJECT_BINARY_DIR}/generated/contracts.cpp)
