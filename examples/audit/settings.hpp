// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <tabscore/log/chain.hpp>
#include <vector>

namespace ts = tabscore;

/// How tabscore-audit ends.
enum class audit_exit : int {
  done = 0,
  input_output = 1,  ///< a file cannot be read or written, or no line is of the id
  usage = 2,         ///< the flags are wrong
  differs = 3        ///< the chain is broken, or a decision is not reproduced
};

enum class audit_command { verify, show, erase, replay };

/// What the command line says; see settings.cpp.
struct audit_settings {
  audit_command command{};
  std::vector<std::string> files;
  std::string key_file;
  std::optional<ts::chain_key> key;       // of key_file
  std::vector<ts::chain_head> published;  // batches that must have these digests
  std::string id;                         // of a person's records; empty with replay: all records
  std::string id_field;                   // the field that is the id; empty: the records have none
  std::string hash_key_file;              // ids are hashed under it in the log
  std::vector<std::string> labels;        // files that show() looks into
  std::string archive;                    // folder of models and policies
  std::size_t list = 20;                  // differences that are listed
};

/// Reads the command line; the status to exit with, or nothing. `id_field`: that of the service; `replays`: there is a
/// service to replay with.
std::optional<int> parse_audit(audit_settings& s, int argc, char** argv, const std::string& id_field, bool replays);

// The commands; what is found is printed to the standard output.
audit_exit verify(const audit_settings& s);
audit_exit show(const audit_settings& s);
audit_exit erase(const audit_settings& s);
