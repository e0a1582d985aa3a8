// SPDX-License-Identifier: MIT
// A second service, of another domain, by the same server: loan.hpp is all there is to it. See --help.
#include "../scoring_server/serve.hpp"
#include "loan.hpp"

int main(int argc, char** argv) { return serve<loan_defaults>(argc, argv, "loan_default.json", "loan_policy.json"); }
