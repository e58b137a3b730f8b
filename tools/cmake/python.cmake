# The Pythons that tests are run with, by what they can import.
#
#   ASSAY_PYTHON             mpmath and numpy: tools/oracle, optimized/math/derive. Where no Python has
#                            them, `python3`: those tests fail, and say what to install.
#   ASSAY_PYTHON_WITH_TORCH  PyTorch and transformers: what is held against them. Where no Python has
#                            them, ASSAY_PYTHON: those tests are skipped, which is not a pass.
#   ASSAY_PYTHON_WITH_REGEX  the module regex: tools/oracle/bpe.py. Likewise.

# assay_find_python(VARIABLE "module, module" OTHERWISE [PREFERRED]): a Python 3 that can import them, or
# OTHERWISE.
# Looked for again by every configuration: packages come and go.
function(assay_find_python variable modules otherwise)
  foreach(python ${ARGN} python3 /usr/bin/python3)
    execute_process(COMMAND ${python} -c "import ${modules}" RESULT_VARIABLE failed OUTPUT_QUIET ERROR_QUIET)
    if(NOT failed)
      set(${variable} ${python} PARENT_SCOPE)
      return()
    endif()
  endforeach()
  set(${variable} ${otherwise} PARENT_SCOPE)
endfunction()

set(ASSAY_TORCH_PYTHON "" CACHE FILEPATH "a Python 3 with torch and transformers, for tools/oracle/gpt2.py and bench/peers")
assay_find_python(ASSAY_PYTHON "mpmath, numpy" "")
if(NOT ASSAY_PYTHON)
  set(ASSAY_PYTHON python3)
  message(WARNING "no python3 with mpmath and numpy was found (python3-mpmath, python3-numpy): the tests reference_oracle and math_polynomials will fail")
endif()
assay_find_python(ASSAY_PYTHON_WITH_TORCH "torch, transformers" ${ASSAY_PYTHON} ${ASSAY_TORCH_PYTHON})
assay_find_python(ASSAY_PYTHON_WITH_REGEX regex ${ASSAY_PYTHON})
