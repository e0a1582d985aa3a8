// SPDX-License-Identifier: MIT
// Predicts which students will buy, over HTTP: student.hpp says what is served, scoring_server/ how. See --help.
#include "../scoring_server/serve.hpp"
#include "student.hpp"

int main(int argc, char** argv) { return serve<student_purchases>(argc, argv, "student_logistic.json"); }
