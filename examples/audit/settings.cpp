// SPDX-License-Identifier: MIT
#include "settings.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <system_error>
#include <tabscore/core/siphash.hpp>

#include "../command_line.hpp"
#include "../read_key.hpp"

namespace {

/// BATCH:DIGEST, as verify prints it.
ts::chain_head read_head(const std::string& text) {
  ts::chain_head head;
  const char* const end = text.data() + text.size();
  const auto [colon, failed] = std::from_chars(text.data(), end, head.batch);
  bool right = failed == std::errc{} && end - colon == 65 && *colon == ':';
  for (std::size_t i = 0; right && i < head.digest.size(); ++i) {
    const char* const two = colon + 1 + 2 * i;
    right = std::from_chars(two, two + 2, head.digest[i], 16).ptr == two + 2;
  }
  if (!right) throw CLI::ValidationError("--published", "expected BATCH:DIGEST, as verify prints the head");
  return head;
}

void add_files(CLI::App& app, audit_settings& s) {
  app.add_option("files", s.files, "log files, in any order")->required();
}
void add_id(CLI::App& app, audit_settings& s, bool required) {
  auto* const id = app.add_option("id", s.id, "the id of a record, or of a request");
  if (required) id->required();
  app.add_option("--id", s.id_field, "the id field of the records")->capture_default_str();
  app.add_option("--hash-key-file", s.hash_key_file,
                 "key file of --log-hash-key-file, where ids are hashed in the log");
}

}  // namespace

std::optional<int> parse_audit(audit_settings& s, int argc, char** argv, const std::string& id_field, bool replays) {
  s.id_field = id_field;
  CLI::App app("Checks, shows and replays chained prediction logs (docs/how-to/audit.md).");
  app.require_subcommand(1);
  auto& of_verify = *app.add_subcommand("verify", "checks the chain over the files");
  of_verify.add_option("--key-file", s.key_file, "the key of --log-chain-key-file")->required();
  of_verify
      .add_option_function<std::vector<std::string>>(
          "--published",
          [&s](const std::vector<std::string>& heads) {
            for (const std::string& head : heads) s.published.push_back(read_head(head));
          },
          "BATCH:DIGEST, a head that was kept elsewhere: the batch must have this digest")
      ->allow_extra_args(false);
  add_files(of_verify, s);
  auto& of_show = *app.add_subcommand("show", "prints the records and overrides of an id");
  add_id(of_show, s, true);
  of_show.add_option("--labels", s.labels, "files of lines {\"id\":...,\"label\":...}: those of the id are printed")
      ->allow_extra_args(false);
  of_show.add_option("--archive", s.archive, "the folder of --archive: reasons get their texts");
  add_files(of_show, s);
  auto& of_erase =
      *app.add_subcommand("erase", "replaces the records and overrides of an id by their codes in the chain");
  of_erase.add_option("--key-file", s.key_file, "the key of --log-chain-key-file")->required();
  add_id(of_erase, s, true);
  add_files(of_erase, s);
  CLI::App* of_replay = nullptr;
  if (replays) {
    of_replay = app.add_subcommand("replay", "scores records again with the model and the policy of their lines");
    of_replay->add_option("--archive", s.archive, "the folder of --archive")->required();
    add_id(*of_replay, s, true);
    add_number(*of_replay, "--list", s.list, "number of listed differences", std::size_t{0}, std::size_t{1} << 30U);
    of_replay->footer("The id 'all' selects all records.");
    add_files(*of_replay, s);
  }
  app.footer(
      "Exit status: 0 done; 1 a file cannot be read or written, or no line has the id; 2 a flag is wrong; 3 the "
      "chain is broken, or a decision is not reproduced.");
  if (const auto status = parse_command_line(app, argc, argv)) return status;
  s.command = of_verify.parsed()  ? audit_command::verify
              : of_show.parsed()  ? audit_command::show
              : of_erase.parsed() ? audit_command::erase
                                  : audit_command::replay;
  if (!s.key_file.empty()) {
    if (const auto wrong = read_key(s.key_file, s.key.emplace())) return say("tabscore-audit: {}\n", *wrong), 1;
  }
  if (!s.hash_key_file.empty()) {
    ts::siphash_key key{};
    if (const auto wrong = read_key(s.hash_key_file, key)) return say("tabscore-audit: {}\n", *wrong), 1;
    s.id = fmt::format("{:016x}", ts::siphash(s.id, key));
  }
  return std::nullopt;
}
