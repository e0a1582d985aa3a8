// SPDX-License-Identifier: MIT
// The half of tabscore.cpp without features, models and their loaders.
#define TABSCORE_BODIES 1
#define TABSCORE_MODEL_BODIES 0
#include "tabscore.cpp"
