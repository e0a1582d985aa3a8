# SPDX-License-Identifier: MIT
"""Conan 2 recipe: `conan create . -s compiler.cppstd=20` in this folder."""

import pathlib
import re

from conan import ConanFile
from conan.tools.build import check_min_cppstd
from conan.tools.files import copy, load
from conan.tools.layout import basic_layout


class TabscoreConan(ConanFile):
    name = "tabscore"
    license = "MIT"
    description = "Tabular records from bytes to monitored predictions"
    topics = ("machine-learning", "inference", "tabular", "header-only")
    package_type = "header-library"
    implements = ["auto_header_only"]
    settings = "os", "arch", "compiler", "build_type"
    exports_sources = "LICENSE", "cmake/tabscore-compiled.cmake", "include/*"
    no_copy_source = True
    test_package_folder = "tests/install/conan"

    def set_version(self):
        text = load(self, pathlib.Path(self.recipe_folder) / "include/tabscore/version.hpp")
        self.version = ".".join(re.findall(r"#define TABSCORE_VERSION_[A-Z]+ (\d+)", text))

    def requirements(self):
        self.requires("eigen/[>=3.4 <6]", transitive_headers=True)
        self.requires("simdjson/[>=3.0 <5]", transitive_headers=True, transitive_libs=True)
        self.requires("fmt/[>=9 <13]", transitive_headers=True, transitive_libs=True)

    def validate(self):
        check_min_cppstd(self, 20)

    def layout(self):
        basic_layout(self)

    def package(self):
        package = pathlib.Path(self.package_folder)
        copy(self, "LICENSE", self.source_folder, package / "licenses")
        copy(self, "include/*", self.source_folder, package)
        copy(self, "tabscore-compiled.cmake", pathlib.Path(self.source_folder) / "cmake", package / "share/cmake")

    def package_info(self):
        self.cpp_info.bindirs = []
        self.cpp_info.libdirs = []
        self.cpp_info.requires = ["eigen::eigen", "simdjson::simdjson", "fmt::fmt"]
        self.cpp_info.set_property("cmake_file_name", "tabscore")
        self.cpp_info.set_property("cmake_target_name", "tabscore::tabscore")
        self.cpp_info.set_property("cmake_build_modules", ["share/cmake/tabscore-compiled.cmake"])
        self.cpp_info.set_property("pkg_config_name", "tabscore")
