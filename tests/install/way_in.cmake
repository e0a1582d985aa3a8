# One way to get tabscore, from nothing: an empty build folder, a consumer's project, its first prediction.
# cmake -DWAY=find_package -DBUILD=... -DCXX=... -DFLAGS=... -DPREFIX=... -DTABSCORE_SOURCE_DIR=... -P way_in.cmake
cmake_minimum_required(VERSION 3.20)

function(run)
  execute_process(COMMAND ${ARGV} WORKING_DIRECTORY ${BUILD} RESULT_VARIABLE status OUTPUT_VARIABLE printed
                  ERROR_VARIABLE printed)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${ARGV}\nexit ${status}:\n${printed}")
  endif()
  set(printed "${printed}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${BUILD})
file(MAKE_DIRECTORY ${BUILD})
set(here ${CMAKE_CURRENT_LIST_DIR})
if(WAY STREQUAL "pkg_config")
  set(ENV{PKG_CONFIG_PATH} ${PREFIX}/share/pkgconfig)
  set(ENV{CXX} "${LAUNCHER} ${CXX}")
  separate_arguments(FLAGS)
  run(bash ${here}/pkg_config/build.sh ${FLAGS})
else()
  run(${CMAKE_COMMAND} -S ${here}/${WAY} -B ${BUILD} -G ${GENERATOR} -DCMAKE_CXX_COMPILER=${CXX}
      -DCMAKE_CXX_FLAGS=${FLAGS} -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} -DCMAKE_PREFIX_PATH=${PREFIX}
      -DTABSCORE_SOURCE_DIR=${TABSCORE_SOURCE_DIR} -DSINGLE_HEADER_FOLDER=${SINGLE_HEADER_FOLDER})
  run(${CMAKE_COMMAND} --build ${BUILD})
endif()
function(check_prints expected_file)
  run(${ARGN})
  file(READ ${expected_file} expected)
  if(NOT printed STREQUAL expected)
    message(FATAL_ERROR "${ARGN}\nprinted:\n${printed}\nexpected:\n${expected}")
  endif()
endfunction()

if(NOT WAY STREQUAL "compiled")
  check_prints(${here}/expected.txt ${BUILD}/first_prediction)
else()
  # The example of a trainer's own file, since that is what is compiled once; a service, with requests made by hand.
  check_prints(${TABSCORE_SOURCE_DIR}/examples/xgboost_model/expected.txt ${BUILD}/first_prediction
               ${TABSCORE_SOURCE_DIR}/examples/xgboost_model/loans.json)
  check_prints(${here}/compiled/expected.txt ${BUILD}/service ${TABSCORE_SOURCE_DIR}/models/loan_default.json)
endif()
