// SPDX-License-Identifier: MIT
// Verifies prediction logs, and shows or erases their records: tabscore-audit verify --key-file audit.key
// prediction_log.jsonl*
#include "../standard_streams.hpp"
#include "settings.hpp"

int main(int argc, char** argv) {
  hold_standard_streams();
  audit_settings s;
  if (const auto status = parse_audit(s, argc, argv, {}, false)) return *status;
  return static_cast<int>(s.command == audit_command::verify ? verify(s)
                          : s.command == audit_command::show ? show(s)
                                                             : erase(s));
}
