// SPDX-License-Identifier: MIT
// Serves a model of three classes: wine.hpp declares the service. See --help.
#include "../scoring_server/serve.hpp"
#include "wine.hpp"

int main(int argc, char** argv) { return serve<wine_cultivars>(argc, argv, "wine.json"); }
