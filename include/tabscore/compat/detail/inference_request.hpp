// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../../core/config.hpp"
#include "../../core/detail/skip.hpp"
#include "../../json/coerce.hpp"
#include "../../json/encoding.hpp"
#include "../../json/error_context.hpp"
#include "../../json/json_value.hpp"
#include "../../json/syntax.hpp"
#include "../../schema/field_table.hpp"
#include "../tensors.hpp"

namespace tabscore::inline TABSCORE_ABI::detail {

/// A tensor of a request; its data is not read yet.
struct request_tensor {
  const tensor_datatype* type = nullptr;  ///< nullptr: the request has no such tensor
  std::int64_t rows = 0;                  ///< as the shape says
  bool nested = false;                    ///< [[1],[2]], of shape [2,1]
  json_value data;                        ///< an array
};

/// An inference request but for the data of its tensors: finds the tensor of each field. The body must stay.
class inference_request {
 public:
  /// Of a schema with these fields.
  explicit inference_request(std::span<const field_view> fields)
      : fields_(fields), inputs_(fields.size() + 1), tensors_(fields.size()) {}

  /// Reads a body; false where it is malformed, and problem() is the reason.
  bool read(std::string_view body);

  /// The number of records, which all tensors have; nothing where problem() is the reason.
  std::optional<std::size_t> rows(std::size_t most);

  const std::optional<std::string>& id() const noexcept { return id_; }
  std::span<const std::string> outputs() const noexcept { return outputs_; }
  bool skips() const noexcept { return skips_; }
  bool explains() const noexcept { return explains_; }
  bool tells_ids() const noexcept { return tells_ids_; }
  const std::string& problem() const noexcept { return problem_; }

  /// Of a field.
  const request_tensor& tensor(std::size_t field) const noexcept { return tensors_[field]; }
  /// The end of the body.
  const char* end() const noexcept { return end_; }

  /// The data of a field's tensor is not as its shape says: notes it, and returns false.
  bool wrong_length(std::size_t field);
  bool wrong_nesting(std::size_t field);

 private:
  /// An element of `inputs` as the request has it.
  struct input {
    bool is_object = false;
    json_value name, shape, datatype, parameters, data;
  };
  struct wanted_member {
    std::string_view name;
    json_value* value;
    const char* (inference_request::*read_array)(json_value) = nullptr;  ///< returns what follows it
  };

  bool read_outputs(json_value list);
  bool read_inputs(json_value list);
  const char* find_inputs(json_value list);
  bool read_input(const input& from);
  bool members(json_value v, std::string_view what, std::initializer_list<wanted_member> wanted);
  const char* find_members(json_value object, std::initializer_list<wanted_member> wanted);
  bool valid_name(json_value v, std::string_view what);
  bool read_options(json_value parameters);
  bool valid_parameters(json_value v, std::string_view whose);
  bool wrong(std::string sentence);
  static std::string shown(std::string_view name);

  static constexpr std::size_t max_outputs = 64;  // each name is compared with those before it

  std::span<const field_view> fields_;
  std::size_t body_size_ = 0;
  const char* end_ = nullptr;  // of the body
  std::vector<input> inputs_;
  std::size_t found_ = 0;  // inputs
  std::vector<request_tensor> tensors_;
  std::optional<std::string> id_;
  std::vector<std::string> outputs_;
  bool skips_ = false;
  bool explains_ = false;
  bool tells_ids_ = false;
  std::string problem_;
  std::string spare_;
};

}  // namespace tabscore::inline TABSCORE_ABI::detail

#if TABSCORE_BODIES
namespace tabscore::inline TABSCORE_ABI::detail {

TABSCORE_INLINE bool inference_request::read(std::string_view body) {
  problem_.clear();
  id_.reset();
  outputs_.clear();
  skips_ = explains_ = tells_ids_ = false;
  body_size_ = body.size();
  if (body.empty()) return wrong("The body is empty.");
  if (looks_like_utf16_or_32(body) || !utf8_or_surrogates(body)) return wrong("The body is not UTF-8.");
  const std::string_view text = without_mark(body);
  if (const auto stop = json_check(text).run()) {
    if (stop->message.empty()) return wrong("The body is nested too deeply, or has an integer of too many digits.");
    return wrong("The body is not JSON: " + syntax_sentence(locate(text, *stop)));
  }
  json_value id, parameters, inputs, outputs;
  end_ = text.data() + text.size();
  const json_value request(skip_blanks(text.data(), end_), end_);
  if (!members(request, "The request",
               {{"id", &id},
                {"parameters", &parameters},
                {"inputs", &inputs, &inference_request::find_inputs},
                {"outputs", &outputs}})) {
    return false;
  }
  if (id && id.kind() != json_kind::text) return wrong("'id' is not a string.");
  if (id) id_ = unescaped(id.raw_text(), spare_);
  if (!valid_parameters(parameters, "the request") || !read_options(parameters)) return false;
  return read_outputs(outputs) && read_inputs(inputs);
}

TABSCORE_INLINE bool inference_request::read_outputs(json_value list) {
  if (!list) return true;
  if (list.kind() != json_kind::array) return wrong("'outputs' is not an array.");
  bool good = true;
  list.for_each_element([&](json_value v) {
    json_value name, parameters;
    good = members(v, "An output", {{"name", &name}, {"parameters", &parameters}}) && valid_name(name, "An output") &&
           valid_parameters(parameters, "an output");
    if (!good) return false;
    const std::string_view text = unescaped(name.raw_text(), spare_);
    if (std::find(outputs_.begin(), outputs_.end(), text) != outputs_.end()) {
      return good = wrong("The output " + shown(text) + " is asked for twice.");
    }
    if (outputs_.size() == max_outputs) return good = wrong("Too many outputs are asked for.");
    outputs_.emplace_back(text);
    return true;
  });
  return good;
}

TABSCORE_INLINE bool inference_request::read_inputs(json_value list) {
  std::fill(tensors_.begin(), tensors_.end(), request_tensor());
  if (!list) return wrong("'inputs' is missing.");
  if (list.kind() != json_kind::array) return wrong("'inputs' is not an array.");
  for (std::size_t i = 0; i < found_; ++i) {
    if (!read_input(inputs_[i])) return false;
  }
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    if (fields_[i].required && !tensors_[i].type) return wrong("The input " + shown(fields_[i].name) + " is missing.");
  }
  return true;
}

/// Notes the inputs of an array, to be read later; returns what follows it. The last one that has room is unknown or
/// a duplicate.
TABSCORE_INLINE const char* inference_request::find_inputs(json_value list) {
  found_ = 0;
  return list.read_elements([&](json_value v) -> const char* {
    if (found_ == inputs_.size()) return nullptr;
    input& to = inputs_[found_++];
    to = {};
    to.is_object = v.is_object();
    if (!to.is_object) return nullptr;
    return find_members(v, {{"name", &to.name},
                            {"shape", &to.shape},
                            {"datatype", &to.datatype},
                            {"parameters", &to.parameters},
                            {"data", &to.data}});
  });
}

TABSCORE_INLINE bool inference_request::read_input(const input& from) {
  if (!from.is_object) return wrong("An input is not an object.");
  const json_value name = from.name, shape = from.shape, datatype = from.datatype, data = from.data;
  if (!valid_name(name, "An input")) return false;
  const std::string_view text = unescaped(name.raw_text(), spare_);
  const auto field = std::find_if(fields_.begin(), fields_.end(), [&](const field_view& f) { return f.name == text; });
  const std::string which = "The input " + shown(text);
  if (field == fields_.end()) return wrong(which + " is none of this model's.");
  request_tensor& t = tensors_[static_cast<std::size_t>(field - fields_.begin())];
  if (t.type) return wrong(which + " is duplicated.");
  if (!valid_parameters(from.parameters, "the input " + shown(text))) return false;

  if (!datatype || datatype.kind() != json_kind::text) return wrong(which + " has no datatype.");
  const std::string_view type = unescaped(datatype.raw_text(), spare_);
  const auto* const known = std::find_if(std::begin(tensor_datatypes), std::end(tensor_datatypes),
                                         [&](const auto& d) { return d.name == type; });
  const field_kind kind = field->kind;
  if (known == std::end(tensor_datatypes) ||
      (known->kind != kind && !(known->kind == field_kind::integer && kind == field_kind::real))) {
    return wrong(which + " has the datatype " + shown(type) + ", not " + std::string(datatype_of(kind)) + ".");
  }
  t.type = known;

  if (!shape || shape.kind() != json_kind::array) return wrong(which + " has no shape.");
  std::size_t rank = 0;
  bool good = true;
  shape.for_each_element([&](json_value d) {
    const auto size = coerce::strict::integer(d);
    good = !size.wrong && size.value >= 0 && (rank == 0 || (rank == 1 && size.value == 1));
    if (rank++ == 0) t.rows = size.value;
    return good;
  });
  if (!good || rank == 0) return wrong(which + " has a shape that is neither [n] nor [n,1].");
  if (!data) return wrong(which + " has no data (binary tensors are not understood).");
  if (data.kind() != json_kind::array) return wrong(which + " has data that is not an array.");
  const json_value first = data.first_element();
  t.nested = rank == 2 && first && first.kind() == json_kind::array;
  t.data = data;
  return true;
}

/// Fills in the members of these names; null counts as absent, other members are let be.
TABSCORE_INLINE bool inference_request::members(json_value v, std::string_view what,
                                                std::initializer_list<wanted_member> wanted) {
  if (!v.is_object()) return wrong(std::string(what) + " is not an object.");
  find_members(v, wanted);
  return true;
}
/// The same of an object; returns what follows it.
TABSCORE_INLINE const char* inference_request::find_members(json_value object,
                                                            std::initializer_list<wanted_member> wanted) {
  return object.for_each_member([&](std::string_view raw_key, json_value value) -> const char* {
    const std::string_view key = unescaped(raw_key, spare_);
    for (const wanted_member& w : wanted) {
      if (key != w.name) continue;
      const json_kind kind = value.kind();
      *w.value = kind == json_kind::null ? json_value() : value;
      return w.read_array != nullptr && kind == json_kind::array ? (this->*w.read_array)(value) : nullptr;
    }
    return nullptr;
  });
}
TABSCORE_INLINE bool inference_request::valid_name(json_value v, std::string_view what) {
  return (v && v.kind() == json_kind::text) || wrong(std::string(what) + " has no name.");
}
/// The options in a request's parameters.
TABSCORE_INLINE bool inference_request::read_options(json_value parameters) {
  bool good = true;
  const auto is_flag = [](json_value v, bool& to) {
    to = v.raw() == "true" || v.raw() == "1";
    return to || v.kind() == json_kind::null || v.raw() == "0" || v.raw() == "false";
  };
  if (!parameters) return good;
  parameters.for_each_member([&](std::string_view raw_key, json_value v) {
    const std::string_view key = unescaped(raw_key, spare_);
    if (key == "on_error") {
      skips_ = v.kind() == json_kind::text && v.raw_text() == "skip";
      if (!skips_ && (v.kind() != json_kind::text || v.raw_text() != "fail")) {
        good = wrong("The parameter 'on_error' is neither 'fail' nor 'skip'.");
      }
    } else if (key == "explain") {
      if (!is_flag(v, explains_)) {
        good =
            wrong("The parameter 'explain' is neither true nor false: tensors hold the contributions of all features.");
      }
    } else if (key == "ids") {
      const auto is_id = [](const field_view& f) { return f.is_id; };
      if (!is_flag(v, tells_ids_)) {
        good = wrong("The parameter 'ids' is neither true nor false.");
      } else if (tells_ids_ && std::none_of(fields_.begin(), fields_.end(), is_id)) {
        good = wrong("The parameter 'ids' needs an id in the schema.");
      }
    }
  });
  return good;
}
/// An object of strings, numbers and booleans.
TABSCORE_INLINE bool inference_request::valid_parameters(json_value v, std::string_view whose) {
  bool good = !v || v.kind() == json_kind::object;
  if (v && good) {
    v.for_each_member([&](std::string_view, json_value p) {
      good = good && p.kind() != json_kind::array && p.kind() != json_kind::object;
    });
  }
  return good ||
         wrong("The parameters of " + std::string(whose) + " are not an object of strings, numbers and booleans.");
}

TABSCORE_INLINE bool inference_request::wrong(std::string sentence) {
  problem_ = std::move(sentence);
  return false;
}
TABSCORE_INLINE bool inference_request::wrong_length(std::size_t field) {
  return wrong("The data of the input " + shown(fields_[field].name) + " has not the " +
               std::to_string(tensors_[field].rows) + " elements that its shape says.");
}
TABSCORE_INLINE bool inference_request::wrong_nesting(std::size_t field) {
  return wrong("The data of the input " + shown(fields_[field].name) + " is not nested as its shape says.");
}
/// A name in a sentence, unless a client made it too long for one.
TABSCORE_INLINE std::string inference_request::shown(std::string_view name) {
  if (name.size() > 200) return "with a name of " + std::to_string(name.size()) + " bytes";
  return "'" + std::string(name) + "'";
}

TABSCORE_INLINE std::optional<std::size_t> inference_request::rows(std::size_t most) {
  const auto fail = [&](std::string sentence) {
    wrong(std::move(sentence));
    return std::nullopt;
  };
  std::int64_t rows = -1;
  for (const request_tensor& t : tensors_) {
    if (!t.type) continue;
    if (rows >= 0 && t.rows != rows) {
      return fail("The inputs have different lengths: " + std::to_string(rows) + " and " + std::to_string(t.rows) +
                  ".");
    }
    rows = t.rows;
  }
  if (rows <= 0) return fail("The inputs hold no records.");
  const auto count = static_cast<std::uint64_t>(rows);
  if (count > most) return fail("There are more than " + std::to_string(most) + " records.");
  if (count > body_size_) {  // nothing is allocated for elements that the body cannot hold
    const auto first = std::find_if(tensors_.begin(), tensors_.end(), [](const request_tensor& t) { return t.type; });
    wrong_length(static_cast<std::size_t>(first - tensors_.begin()));
    return std::nullopt;
  }
  return static_cast<std::size_t>(rows);
}
}  // namespace tabscore::inline TABSCORE_ABI::detail
#endif
