// SPDX-License-Identifier: MIT
// A shared library of the loan service for programs in any language: libloan_default.so, with the functions of
// <tabscore/capi/c_api.h>.
#include <tabscore/capi/c_api.hpp>

#include "../loan_server/loan.hpp"

TABSCORE_C_API(loan_default, loan_defaults);
