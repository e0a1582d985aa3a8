// SPDX-License-Identifier: MIT
#pragma once

#include "settings.hpp"
#include "stop.hpp"
#include "student.hpp"

/// Scores the records of a prediction log anew and says on the standard output what differs from what was logged.
/// exit_code::done when nothing does; a torn last line, as a crash may leave it, is told but no difference.
exit_code replay(const settings& s, ts::any_scorer model);
