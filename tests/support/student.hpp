// SPDX-License-Identifier: MIT
#pragma once

#include <tabscore/schema/schema.hpp>

/// A record with text, integers and reals, as in the recorded exchanges of the reference service.
using student = tabscore::schema<
    tabscore::text<"student_country", tabscore::min_length{2}, tabscore::max_length{64}>,
    tabscore::integer<"days_on_platform", tabscore::ge{0}>, tabscore::real<"minutes_watched", tabscore::ge{0}>,
    tabscore::integer<"courses_started", tabscore::ge{0}>, tabscore::integer<"practice_exams_started", tabscore::ge{0}>,
    tabscore::integer<"practice_exams_passed", tabscore::ge{0}>,
    tabscore::real<"minutes_spent_on_exams", tabscore::ge{0}>>;
