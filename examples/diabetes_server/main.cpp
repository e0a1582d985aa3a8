// SPDX-License-Identifier: MIT
// Serves a model of a number: diabetes.hpp is all there is to it. See --help.
#include "../scoring_server/serve.hpp"
#include "diabetes.hpp"

int main(int argc, char** argv) { return serve<diabetes_progression>(argc, argv, "diabetes.json"); }
