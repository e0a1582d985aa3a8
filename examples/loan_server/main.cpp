// SPDX-License-Identifier: MIT
// A service with decisions on the same server: loan.hpp declares it. See --help.
#include "../scoring_server/serve.hpp"
#include "loan.hpp"

int main(int argc, char** argv) { return serve<loan_defaults>(argc, argv, "loan_default.json", "loan_policy.json"); }
