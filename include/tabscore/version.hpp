// SPDX-License-Identifier: MIT
#pragma once

// The one place of the version; CMake reads these three lines.
#define TABSCORE_VERSION_MAJOR 0
#define TABSCORE_VERSION_MINOR 1
#define TABSCORE_VERSION_PATCH 0
