// SPDX-License-Identifier: MIT
#pragma once

// <resolv.h>, which HTTP libraries include, makes a macro of a name that Eigen uses.
#pragma push_macro("_res")
#undef _res
#include <Eigen/Core>
#pragma pop_macro("_res")
