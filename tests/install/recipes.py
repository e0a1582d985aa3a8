# SPDX-License-Identifier: MIT
"""The Conan recipe and the vcpkg port, as far as they can be checked without Conan and vcpkg.

recipes.py SOURCE BUILD: both name the version of version.hpp and the packages that CMake looks for; the port's script
runs against stand-ins of vcpkg's functions and leaves a package that has all it should; the recipe compiles.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import types
import unittest
from unittest import mock

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

    def test_conan_recipe(self):
        conan = {name: types.ModuleType(name) for name in ("conan", "conan.tools")}
        conan["conan"].ConanFile = object
        for part, names in {
            "build": ["check_min_cppstd"],
            "cmake": ["CMake", "CMakeDeps", "CMakeToolchain", "cmake_layout"],
            "files": ["copy", "load", "rmdir"],
        }.items():
            module = conan[f"conan.tools.{part}"] = types.ModuleType(part)
            for name in names:
                setattr(module, name, mock.Mock())
        conan["conan.tools.files"].load = lambda recipe, path: pathlib.Path(path).read_text()
        with mock.patch.dict(sys.modules, conan):
            scope = {}
            exec(compile((SOURCE / "conanfile.py").read_text(), "conanfile.py", "exec"), scope)
        recipe = scope["TabscoreConan"]()
        recipe.recipe_folder = SOURCE
        recipe.set_version()
        self.assertEqual(recipe.version, VERSION)
        recipe.requires = mock.Mock()
        recipe.requirements()
        self.assertEqual({c.args[0].split("/")[0] for c in recipe.requires.call_args_list}, {"eigen", "simdjson", "fmt"})
        for pattern in recipe.exports_sources:
            self.assertTrue(list(SOURCE.glob(pattern)), pattern)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
