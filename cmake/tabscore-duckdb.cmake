# tabscore_duckdb_extension(NAME SERVICE HEADER): the target NAME_duckdb, which builds NAME.duckdb_extension, an extension
# of DuckDB 1.5.6 or newer with the SQL function NAME_predict() of the service, a type that HEADER declares. HEADER is
# relative to the current source folder.
set_property(GLOBAL PROPERTY tabscore_version ${tabscore_VERSION})

function(tabscore_duckdb_extension name service header)
  if(NOT name MATCHES "^[a-z][a-z0-9_]*$")
    message(FATAL_ERROR "tabscore_duckdb_extension: '${name}' is not a name of small letters, digits and underscores")
  endif()
  get_filename_component(header ${header} ABSOLUTE)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/${name}_duckdb.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT [[
#include <tabscore/duckdb/extension.hpp>

#include "@header@"

TABSCORE_DUCKDB_EXTENSION(@name@, @service@);
]] @ONLY)
  add_library(${name}_duckdb MODULE ${source})
  target_link_libraries(${name}_duckdb PRIVATE tabscore::compiled)
  tabscore_duckdb_footer(${name}_duckdb ${name})
endfunction()

# Makes a MODULE library the file NAME.duckdb_extension, with what DuckDB reads at its end. TABSCORE_DUCKDB_PLATFORM is
# the answer of DuckDB's "PRAGMA platform"; by default it is made of the target system and processor.
function(tabscore_duckdb_footer target name)
  set(platform ${TABSCORE_DUCKDB_PLATFORM})
  if(NOT platform)
    set(system linux)
    if(APPLE)
      set(system osx)
    endif()
    set(processor amd64)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
      set(processor arm64)
    endif()
    set(platform ${system}_${processor})
  endif()
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} PREFIX "" SUFFIX .duckdb_extension
                                             CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  get_property(version GLOBAL PROPERTY tabscore_version)
  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND ${CMAKE_COMMAND} -DEXTENSION=$<TARGET_FILE:${target}> -DPLATFORM=${platform} -DVERSION=${version}
            -P ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/tabscore-duckdb-footer.cmake VERBATIM)
endfunction()
