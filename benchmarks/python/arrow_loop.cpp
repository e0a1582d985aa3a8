// SPDX-License-Identifier: MIT
// A library for tables.py: scores one Arrow batch again and again with the C functions of a service, as a program in
// C++ would.
#include <cstddef>

#include "tabscore/capi/c_api.h"

extern "C" {
TABSCORE_C_DECLARE(loan_default);
}

namespace {
/// The same columns, lent: what takes them over releases nothing.
template <class Arrow>
Arrow lent(const Arrow& whole) {
  Arrow copy = whole;
  copy.release = [](Arrow* self) { self->release = nullptr; };
  return copy;
}
}  // namespace

extern "C" {
/// The status of the last call; 0 is success.
int score_again(const tabscore_model* model, const ArrowSchema* schema, const ArrowArray* records, std::size_t times) {
  int status = 0;
  while (times-- > 0 && status == 0) {
    ArrowSchema columns = lent(*schema);
    ArrowArray batch = lent(*records), predictions;
    status = loan_default_score(model, &columns, &batch, &predictions);
    if (status == 0) predictions.release(&predictions);
  }
  return status;
}
}
