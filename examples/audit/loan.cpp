// SPDX-License-Identifier: MIT
// tabscore-audit for the records of loans, with replay.
#include "../loan_server/loan.hpp"
#include "audit.hpp"

int main(int argc, char** argv) { return audit<loan_defaults>(argc, argv); }
