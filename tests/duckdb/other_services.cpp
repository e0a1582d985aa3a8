// SPDX-License-Identifier: MIT
// More services in the extension of the loans: several classes, and a number.
#include <tabscore/duckdb/extension.hpp>

#include "../../examples/diabetes_server/diabetes.hpp"
#include "../../examples/wine_server/wine.hpp"

TABSCORE_DUCKDB_EXTENSION(wine, wine_cultivars);
TABSCORE_DUCKDB_EXTENSION(diabetes, diabetes_progression);
