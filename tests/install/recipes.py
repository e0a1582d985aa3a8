# SPDX-License-Identifier: MIT
"""The vcpkg port, as far as it can be checked without vcpkg.

recipes.py SOURCE BUILD: it names the version of version.hpp, the packages that CMake looks for and options that CMake has;
its script runs against stand-ins of vcpkg's functions and leaves a package that has all it should.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

SOURCE, BUILD = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
VERSION = ".".join(re.findall(r"VERSION_[A-Z]+ (\d+)", (SOURCE / "include/tabscore/version.hpp").read_text()))
PORT = SOURCE / "cmake/vcpkg/tabscore"

STAND_INS = """
function(vcpkg_cmake_configure)
  cmake_parse_arguments(arg "" "SOURCE_PATH" "OPTIONS" ${ARGN})
  execute_process(COMMAND ${CMAKE_COMMAND} -S ${arg_SOURCE_PATH} -B ${WORK}/build ${arg_OPTIONS}
                          -DCMAKE_INSTALL_PREFIX=${CURRENT_PACKAGES_DIR} COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
endfunction()
function(vcpkg_cmake_install)
  execute_process(COMMAND ${CMAKE_COMMAND} --install ${WORK}/build COMMAND_ERROR_IS_FATAL ANY OUTPUT_QUIET)
endfunction()
function(vcpkg_cmake_config_fixup)
  cmake_parse_arguments(arg "" "CONFIG_PATH" "" ${ARGN})
  if(NOT EXISTS ${CURRENT_PACKAGES_DIR}/${arg_CONFIG_PATH}/tabscore-config.cmake)
    message(FATAL_ERROR "no package configuration in ${arg_CONFIG_PATH}")
  endif()
endfunction()
function(vcpkg_fixup_pkgconfig)
endfunction()
function(vcpkg_install_copyright)
  cmake_parse_arguments(arg "" "" "FILE_LIST" ${ARGN})
  file(COPY ${arg_FILE_LIST} DESTINATION ${CURRENT_PACKAGES_DIR}/share/${PORT})
endfunction()
include(${PORTFILE})
"""


class Recipes(unittest.TestCase):
    def test_vcpkg_port_names_version_and_dependencies(self):
        manifest = json.loads((PORT / "vcpkg.json").read_text())
        self.assertEqual((manifest["name"], manifest["version"]), ("tabscore", VERSION))
        self.assertLessEqual({"eigen3", "fmt", "simdjson"}, {d for d in manifest["dependencies"] if isinstance(d, str)})

    def test_vcpkg_port_gives_options_that_cmake_has(self):
        options = re.findall(r"-D(\w+)=", (PORT / "portfile.cmake").read_text())
        known = re.findall(r"^option\((\w+) ", (SOURCE / "CMakeLists.txt").read_text(), re.MULTILINE)
        self.assertTrue(options)
        self.assertLessEqual(set(options), set(known))

    def test_vcpkg_port_makes_a_package(self):
        work = BUILD / "vcpkg"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        (work / "stand_ins.cmake").write_text(STAND_INS)
        packages = work / "packages"
        defines = [f"-DWORK={work}", f"-DCURRENT_PACKAGES_DIR={packages}", "-DPORT=tabscore"]
        script = ["-P", work / "stand_ins.cmake"]
        subprocess.run(["cmake", *defines, f"-DPORTFILE={PORT / 'portfile.cmake'}", *script], check=True)
        files = {str(path.relative_to(packages)) for path in packages.rglob("*")}
        wanted = {"include/tabscore/tabscore.hpp", "share/tabscore/LICENSE", "share/tabscore/usage"}
        self.assertLessEqual(wanted | {"share/pkgconfig/tabscore.pc"}, files)
        self.assertFalse([f for f in files if {"tests", "examples"} & set(pathlib.Path(f).parts)])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
