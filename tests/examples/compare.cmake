# Runs PROGRAM and compares what it prints with the file EXPECTED.
execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE printed RESULT_VARIABLE status WORKING_DIRECTORY ${WORKING_DIRECTORY})
file(READ ${EXPECTED} expected)
if(NOT status EQUAL 0 OR NOT printed STREQUAL expected)
  message(FATAL_ERROR "exit ${status}; printed:\n${printed}\nexpected:\n${expected}")
endif()
if(EXISTS /dev/full)
  execute_process(COMMAND ${PROGRAM} OUTPUT_FILE /dev/full ERROR_VARIABLE said RESULT_VARIABLE status
                  WORKING_DIRECTORY ${WORKING_DIRECTORY})
  if(NOT status EQUAL 1 OR NOT said MATCHES "^[a-z_]+: the standard output cannot be written")
    message(FATAL_ERROR "full disk: exit ${status}; said: ${said}")
  endif()
endif()
