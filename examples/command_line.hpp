// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

/// An option with one of some names as its value; --help and the message about any other list the names. (A
/// CLI::CheckedTransformer lists the values too, and those of an enum of bytes are control characters.)
template <class T>
CLI::Option* add_choice(CLI::App& app, const std::string& flag, T& value,
                        std::initializer_list<std::pair<std::string, T>> choices, const std::string& help) {
  std::vector<std::string> names;
  std::string preset;
  for (const auto& [name, choice] : choices) {
    names.push_back(name);
    if (choice == value) preset = name;
  }
  const std::vector<std::pair<std::string, T>> known(choices);
  return app
      .add_option_function<std::string>(
          flag,
          [known, &value](const std::string& text) {
            for (const auto& [name, choice] : known) {
              if (name == text) value = choice;
            }
          },
          help)
      ->check(CLI::IsMember(names))
      ->default_str(preset);
}
