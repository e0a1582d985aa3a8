// SPDX-License-Identifier: MIT
// tabscore-audit for the records of students, with replay.
#include "../student_server/student.hpp"
#include "audit.hpp"

int main(int argc, char** argv) { return audit<student_purchases>(argc, argv); }
