# The Pythons that tests are run with, by what they can import.
#
#   ASSAY_PYTHON             mpmath and numpy: tools/oracle, optimized/math/derive. Where no Python has
#                            them, `python3`: those tests fail, and say what to install.
#   ASSAY_PYTHON_WITH_TORCH  PyTorch and transformers: what is held against them. Where no Python has
#                            them, ASSAY_PYTHON: those tests are skipped, which is not a pass.

function(assay_python_has_packages valid python)
  execute_process(COMMAND ${python} -c "import mpmath, numpy" RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
  if(failed)
    set(${valid} FALSE PARENT_SCOPE)
  endif()
endfunction()
function(assay_python_has_torch valid python)
  execute_process(COMMAND ${python} -c "import torch, transformers" RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
  if(failed)
    set(${valid} FALSE PARENT_SCOPE)
  endif()
endfunction()

find_program(ASSAY_SCIENTIFIC_PYTHON NAMES python3 PATHS /usr/bin VALIDATOR assay_python_has_packages
  DOC "a Python 3 with mpmath and numpy, for tools/oracle and optimized/math/derive")
find_program(ASSAY_TORCH_PYTHON NAMES python3 PATHS /usr/bin VALIDATOR assay_python_has_torch
  DOC "a Python 3 with torch and transformers, for tools/oracle/gpt2.py and bench/peers")
set(ASSAY_PYTHON python3)
if(ASSAY_SCIENTIFIC_PYTHON)
  set(ASSAY_PYTHON ${ASSAY_SCIENTIFIC_PYTHON})
else()
  message(WARNING "no python3 with mpmath and numpy was found (python3-mpmath, python3-numpy): the tests reference_oracle and math_polynomials will fail")
endif()
set(ASSAY_PYTHON_WITH_TORCH ${ASSAY_PYTHON})
if(ASSAY_TORCH_PYTHON)
  set(ASSAY_PYTHON_WITH_TORCH ${ASSAY_TORCH_PYTHON})
endif()
