# SPDX-License-Identifier: MIT
"""A library that the system has, under the name it has in Conan Center: `conan create . --name=eigen --version=3.4.0`."""

from conan import ConanFile
from conan.tools.gnu import PkgConfig

TARGETS = {"eigen": ("eigen3", "Eigen3", "Eigen3::Eigen")}  # pkg-config's name, CMake's package, CMake's target


class System(ConanFile):
    def package_info(self):
        module, package, target = TARGETS.get(self.name, (self.name, self.name, f"{self.name}::{self.name}"))
        PkgConfig(self, module).fill_cpp_info(self.cpp_info, is_system=True)
        self.cpp_info.bindirs = self.cpp_info.libdirs = []
        self.cpp_info.set_property("cmake_file_name", package)
        self.cpp_info.set_property("cmake_target_name", target)
