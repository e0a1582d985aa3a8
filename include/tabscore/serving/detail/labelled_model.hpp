// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "../../core/config.hpp"
#include "../../core/result.hpp"
#include "../../monitor/label_window.hpp"
#include "../settings.hpp"

namespace tabscore::inline TABSCORE_ABI::serving::detail {

/// The predictions of a model that wait for labels, and what is known of it from labels.
struct labelled_model {
  labelled_model(std::string model, model_outputs outputs, const settings& config, const siphash_key& key)
      : sha256(std::move(model)), window(std::move(outputs), config.label_window, config.label_delay, key) {}
  labelled_model(std::string model, model_outputs outputs, const settings& config, const siphash_key& key,
                 files::mapped_file file)
      : sha256(std::move(model)),
        window(std::move(outputs), config.label_window, config.label_delay, key, std::move(file)) {}

  std::string sha256;
  label_window window;
};

using labelled_models = std::vector<std::shared_ptr<labelled_model>>;

/// Models whose labels are still taken when others have been loaded.
inline constexpr std::size_t most_labelled_models = 4;

/// The file of a model's window, in the folder of the settings.
inline std::string label_file(const settings& config, const std::string& sha256) {
  return config.label_folder + "/" + sha256 + ".labels";
}

/// A new window, or that of its file.
result<std::shared_ptr<labelled_model>> make_labelled_model(const settings& config, const std::string& sha256,
                                                            const model_outputs& outputs);

/// Where a model's predictions wait for labels: its place of before, which is one of `all`, or a new one, ahead of
/// those of other models with the same outputs. With none before it the folder's files are looked at.
result<labelled_models> labels_for(labelled_models all, const settings& config, const std::string& sha256,
                                   const model_outputs& outputs);

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::serving::detail {

TABSCORE_INLINE result<std::shared_ptr<labelled_model>> make_labelled_model(const settings& config,
                                                                            const std::string& sha256,
                                                                            const model_outputs& outputs) {
  std::random_device random;
  const auto word = [&] { return std::uint64_t{random()} << 32U | random(); };
  const siphash_key key{word(), word()};  // in memory, or in the file's, alone
  if (config.label_folder.empty() || config.label_window == 0) {
    return std::make_shared<labelled_model>(sha256, outputs, config, key);
  }
  std::error_code failed;
  std::filesystem::create_directories(config.label_folder, failed);
  const std::string path = label_file(config, sha256);
  bool lost = false;
  auto file = label_window::open_file(path, outputs, config.label_window, config.state_mode, lost);
  if (!file) return file.error();
  if (lost) {
    notify(config, path + ": the machine stopped while the file was in use: the labels of this model start over");
  }
  return std::make_shared<labelled_model>(sha256, outputs, config, key, *std::move(file));
}

TABSCORE_INLINE result<labelled_models> labels_for(labelled_models all, const settings& config,
                                                   const std::string& sha256, const model_outputs& outputs) {
  const bool has_folder = !config.label_folder.empty() && config.label_window != 0;
  const bool is_first = all.empty();
  std::erase_if(all, [&](const auto& one) { return one->window.model() != outputs; });
  const auto same = std::find_if(all.begin(), all.end(), [&](const auto& one) { return one->sha256 == sha256; });
  if (same != all.end()) {
    std::rotate(all.begin(), same, same + 1);
    return all;
  }
  auto made = make_labelled_model(config, sha256, outputs);
  if (!made) return made.error();
  all.insert(all.begin(), *std::move(made));
  if (is_first && has_folder && config.challengers.empty()) {
    // The newest of the others come back, too, if they are of such a window (those of challengers are theirs).
    std::vector<std::pair<std::filesystem::file_time_type, std::string>> others;
    std::error_code failed;
    for (std::filesystem::directory_iterator at(config.label_folder, failed), end; !failed && at != end;
         at.increment(failed)) {
      const std::string name = at->path().stem().string();
      if (name.size() != 64 || name == sha256 || at->path().extension() != ".labels") continue;
      std::error_code unknown;
      others.emplace_back(at->last_write_time(unknown), name);
    }
    std::sort(others.begin(), others.end(), std::greater<>());
    for (const auto& [time, name] : others) {
      if (all.size() == most_labelled_models) break;
      if (auto other = make_labelled_model(config, name, outputs)) all.push_back(*std::move(other));
    }
  }
  if (all.size() > most_labelled_models) {
    if (has_folder) static_cast<void>(::unlink(label_file(config, all.back()->sha256).c_str()));
    all.pop_back();
  }
  return all;
}

}  // namespace tabscore::inline TABSCORE_ABI::serving::detail
#endif
