# Appends to a shared library what DuckDB reads at the end of an extension: eight texts of 32 bytes, filled up with zero
# bytes, the last of them first, then 256 bytes for a signature, which stay empty: the extension is loaded with
# allow_unsigned_extensions. Run as: cmake -DEXTENSION=<file> -DPLATFORM=<platform> -DVERSION=<of the extension> -P ...
cmake_minimum_required(VERSION 3.20)
find_program(PRINTF printf REQUIRED)

function(append text size)
  string(LENGTH "${text}" length)
  if(length GREATER size)
    message(FATAL_ERROR "'${text}' is longer than ${size} bytes")
  endif()
  math(EXPR zeros "${size} - ${length}")
  string(REPEAT "\\000" ${zeros} zeros)
  set(bytes "${bytes}${text}${zeros}" PARENT_SCOPE)
endfunction()

append("" 96)
append(C_STRUCT 32)
append("v${VERSION}" 32)
append(v1.5.6 32) # of DuckDB's C API
append("${PLATFORM}" 32)
append(4 32)
append("" 256)
execute_process(COMMAND ${PRINTF} "${bytes}" OUTPUT_FILE ${EXTENSION}.footer COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} -E cat ${EXTENSION} ${EXTENSION}.footer OUTPUT_FILE ${EXTENSION}.whole
                COMMAND_ERROR_IS_FATAL ANY)
file(REMOVE ${EXTENSION}.footer)
file(RENAME ${EXTENSION}.whole ${EXTENSION})
