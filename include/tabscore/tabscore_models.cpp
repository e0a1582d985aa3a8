// SPDX-License-Identifier: MIT
// The half of tabscore.cpp that holds features, models and their loaders.
#define TABSCORE_BODIES 0
#define TABSCORE_MODEL_BODIES 1
#include "tabscore.cpp"
