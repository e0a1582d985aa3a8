// SPDX-License-Identifier: MIT
// Scores records of students in files and pipes: score_stream < records.ndjson > predictions.ndjson; see --help.
#include "../student_server/student.hpp"
#include "stream.hpp"

int main(int argc, char** argv) { return score_stream<student_purchases>(argc, argv, "student_logistic.json"); }
