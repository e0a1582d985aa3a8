// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <tabscore/serving/service.hpp>
#include <tabscore/tabscore.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "../score_stream/replay.hpp"
#include "../standard_streams.hpp"
#include "log_files.hpp"
#include "settings.hpp"

namespace detail {

/// Replays the lines of one model and one policy.
template <class Service>
class archived_model {
  using pipeline = typename ts::service_model<Service>::template pipeline_type<>;

 public:
  /// From files of the archive; what is wrong with them.
  static ts::result<std::unique_ptr<archived_model>> load(const std::string& folder, const std::string& model,
                                                          const std::string& policy, std::size_t list) {
    const auto other = [&](const std::string& name) {
      return ts::error{ts::errc::mismatch, folder + "/" + name + ": has another SHA-256"};
    };
    const auto bytes = ts::read_model_bytes(folder + "/" + model);
    if (!bytes) return bytes.error();
    if (ts::sha256(*bytes) != model) return other(model);
    auto loaded = ts::load_service_model<Service>(folder + "/" + model, policy.empty() ? "" : folder + "/" + policy);
    if (!loaded) return loaded.error();
    if (loaded->policy && loaded->policy->sha256 != policy) return other(policy);
    auto pipe = loaded->make_pipeline();
    if (!pipe) return pipe.error();
    if (loaded->policy) {
      if (auto wrong = ts::give_reasons(*pipe, *loaded->policy)) return *std::move(wrong);
    }
    return std::unique_ptr<archived_model>(new archived_model(*std::move(pipe), list));
  }

  void add(std::uint64_t number, std::string_view line) {
    block_.bytes.clear();
    block_.bytes.append(line);
    block_.bytes.append("\n");
    block_.bytes.space(ts::block_padding);
    replayed_.log.go_to(number);
    replayed_.add(block_);
  }
  std::string report() const { return replayed_.compared.report(replayed_.log); }
  bool agrees() const { return replayed_.compared.agrees(); }

 private:
  archived_model(pipeline pipe, std::size_t list) : pipe_(std::move(pipe)), replayed_(pipe_, list) {}

  const pipeline pipe_;
  replayer<pipeline> replayed_;
  input_block block_;
};

/// A text member of a line that is known to be JSON; empty: there is none.
inline std::string member_of(std::string_view line, std::string_view wanted) {
  std::string found, spare, spare_value;
  ts::json_value(line.data(), line.data() + line.size())
      .for_each_member([&](std::string_view raw, ts::json_value value) {
        if (ts::unescaped(raw, spare) == wanted && value.kind() == ts::json_kind::text) {
          found = ts::unescaped(value.raw_text(), spare_value);
        }
      });
  return found;
}

template <class Service>
audit_exit replay_archived(const audit_settings& s) {
  const auto fail = [](const std::string& why) { return say("tabscore-audit: {}\n", why), audit_exit::input_output; };
  struct key {
    std::string file, model, policy;
    auto operator<=>(const key&) const = default;
  };
  std::map<key, std::unique_ptr<archived_model<Service>>> models;
  std::string why;
  std::uint64_t nameless = 0, events = 0;
  const auto add = [&](const std::string& file, std::uint64_t number, std::string_view line) {
    if (!why.empty() || !ts::json_fault(line).empty()) return;
    if (!member_of(line, "event").empty()) return void(++events);
    const key of{file, member_of(line, "model"), member_of(line, "policy")};
    const auto is_name = [](const std::string& text) {
      return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
    };
    if (!is_name(of.model) || (!of.policy.empty() && !is_name(of.policy))) return void(++nameless);
    auto& model = models[of];
    if (model == nullptr) {
      auto loaded = archived_model<Service>::load(s.archive, of.model, of.policy, s.list);
      if (!loaded) return void(why = loaded.error().message);
      model = *std::move(loaded);
    }
    model->add(number, line);
  };
  if (s.id == "all") {
    std::vector<std::string> files = s.files;
    if (const auto wrong = sort_logs(files)) return fail(*wrong);
    for (const std::string& file : files) {
      log_lines lines;
      if (const auto wrong = lines.open(file)) return fail(*wrong);
      for (std::string line; lines.next(line);) add(file, lines.number(), line);
      if (lines.failed()) return fail(file + ": cannot be read" + ts::files::because_of_errno());
    }
  } else if (const auto failed = for_each_of_id(s, add)) {
    return *failed;
  }
  if (!why.empty()) return fail(why);
  bool agrees = nameless == 0;
  for (const auto& [of, model] : models) {
    print_out("{}, {}{}{}\n", of.file, of.model, of.policy.empty() ? "" : ", policy ", of.policy);
    print_out("{}", model->report());
    agrees = agrees && model->agrees();
  }
  if (events > 0) print_out("{} lines are not predictions\n", events);
  if (nameless > 0) print_out("{} lines name no model: they cannot be replayed\n", nameless);
  if (models.empty() && nameless == 0) return fail("there is no record to replay");
  if (!is_output_written("tabscore-audit")) return audit_exit::input_output;
  return agrees ? audit_exit::done : audit_exit::differs;
}

}  // namespace detail

/// tabscore-audit for the records of a service (tabscore/serving/service.hpp): it can replay them.
template <ts::serving::servable Type>
int audit(int argc, char** argv) {
  using service = ts::serving::completed<Type>;
  hold_standard_streams();
  audit_settings s;
  std::string id;
  if constexpr (service::record::id_at != service::record::npos) id = service::record::names[service::record::id_at];
  if (const auto status = parse_audit(s, argc, argv, id, true)) return *status;
  switch (s.command) {
    case audit_command::verify:
      return static_cast<int>(verify(s));
    case audit_command::show:
      return static_cast<int>(show(s));
    case audit_command::erase:
      return static_cast<int>(erase(s));
    case audit_command::replay:
      break;
  }
  return static_cast<int>(detail::replay_archived<service>(s));
}
