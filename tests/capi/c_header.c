/* SPDX-License-Identifier: MIT */
#include "../../include/tabscore/capi/c_api.h"

TABSCORE_C_DECLARE(loan_default);

int opens_in_c(const char* model, const char* policy);

/* 0, or what went wrong first. */
int opens_in_c(const char* model, const char* policy) {
  tabscore_model* opened = NULL;
  struct ArrowSchema schema;
  int64_t columns;
  if (loan_default_abi() != TABSCORE_C_ABI) return 1;
  if (loan_default_open(TABSCORE_C_ABI, model, policy, &opened) != TABSCORE_OK) return 2;
  if (loan_default_prediction_schema(opened, &schema) != TABSCORE_OK) return 3;
  columns = schema.n_children;
  schema.release(&schema);
  loan_default_close(opened);
  return columns == 4 ? 0 : 4;
}
