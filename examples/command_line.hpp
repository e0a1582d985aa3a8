// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <system_error>
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

/// Numbers without a sign are read as such: CLI11 takes -1 and numbers of more than 64 bits for the largest one, and an
/// empty text for 0. Call it once all options are declared.
inline void check_numbers(CLI::App& app) {
  const CLI::Validator whole(
      [](const std::string& text) {
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        const bool right = error == std::errc{} && end == text.data() + text.size();
        return right ? std::string() : "'" + text + "' is not a whole number from 0 to 18446744073709551615";
      },
      "");
  for (CLI::Option* option : app.get_options()) {
    if (option->get_type_name().rfind("UINT", 0) == 0) option->check(whole);
  }
}
