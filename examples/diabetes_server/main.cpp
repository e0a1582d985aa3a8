// SPDX-License-Identifier: MIT
// Serves a regression model: diabetes.hpp declares the service. See --help.
#include "../scoring_server/serve.hpp"
#include "diabetes.hpp"

int main(int argc, char** argv) { return serve<diabetes_progression>(argc, argv, "diabetes.json"); }
