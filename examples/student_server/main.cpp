// SPDX-License-Identifier: MIT
// Predicts over HTTP which students will buy: student.hpp declares the service, scoring_server/ serves it. See --help.
#include "../scoring_server/serve.hpp"
#include "student.hpp"

int main(int argc, char** argv) { return serve<student_purchases>(argc, argv, "student_logistic.json"); }
