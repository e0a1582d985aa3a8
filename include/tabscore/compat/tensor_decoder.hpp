// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "../core/config.hpp"
#include "../core/detail/skip.hpp"
#include "../json/coerce.hpp"
#include "../json/encoding.hpp"
#include "../json/error_context.hpp"
#include "../json/json_value.hpp"
#include "../json/reference.hpp"
#include "../json/syntax.hpp"
#include "../schema/batch.hpp"
#include "tensors.hpp"

namespace tabscore::inline TABSCORE_ABI {

/// What became of an inference request.
enum class tensor_status {
  decoded,   ///< the batch holds the records
  invalid,   ///< values break the schema: faults().errors
  malformed  ///< no JSON, or not the tensors of the schema: problem() says what
};

/// Decodes inference requests into batches: {"id", "inputs": [{"name", "shape": [n] or [n,1], "datatype", "data"}],
/// "outputs"}. Each field is a tensor of its name, in any order; tensors of optional fields may be absent or hold null.
/// Datatypes: BYTES for text, BOOL, any integer type for integers, and FP64, FP32 (values are rounded to it) or any
/// integer type for real numbers. Coercion is strict, the schema's bounds hold. Keeps its memory; one per thread. Text
/// columns point into the body or the batch.
template <schema_type Schema>
class tensor_decoder {
 public:
  /// Bodies beyond the limits are refused.
  explicit tensor_decoder(decode_limits limits = {}) : limits_(limits) {}

  /// Replaces the content of the batch.
  tensor_status read(std::string_view body, batch<Schema>& to) {
    to.clear();
    return open(body) ? records(to) : tensor_status::malformed;
  }
  /// Reads all but the records; false where the request is malformed. The body must stay until records() has read them.
  bool open(std::string_view body) {
    faults_.clear();
    problem_.clear();
    id_.reset();
    outputs_.clear();
    skips_ = explains_ = tells_ids_ = false;
    body_size_ = body.size();
    return read_request(body);
  }
  /// The records of the request that was opened. `some`: bad ones are left out, and faults() says which and why.
  tensor_status records(batch<Schema>& to, bool some = false) {
    to.clear();
    valid_.clear();
    if (!read_columns(to)) {
      to.clear();
      return tensor_status::malformed;
    }
    auto& errors = faults_.errors;
    if (valid_.empty()) return tensor_status::decoded;
    // They were found tensor by tensor; they are told record by record.
    std::stable_sort(errors.begin(), errors.end(), [](const field_error& a, const field_error& b) {
      return std::tie(a.row, a.field) < std::tie(b.row, b.field);
    });
    if (errors.size() > limits_.max_errors) {
      faults_.unlisted += errors.size() - limits_.max_errors;
      errors.resize(limits_.max_errors);
    }
    if (!some) {
      to.clear();
      return tensor_status::invalid;
    }
    for (std::uint32_t row = 0; row < valid_.size(); ++row) {
      if (valid_[row] == 0) faults_.bad_rows.push_back(row);
    }
    to.filter(valid_);
    return tensor_status::decoded;
  }

  // What the last request said.
  /// The request's `id`, repeated in the response.
  const std::optional<std::string>& id() const noexcept { return id_; }
  /// The selected outputs, each once; empty: all.
  std::span<const std::string> outputs() const noexcept { return outputs_; }
  /// Its parameters ask for predictions of the valid records, the others' errors beside them.
  bool skips() const noexcept { return skips_; }
  /// Its parameters ask for contributions.
  bool explains() const noexcept { return explains_; }
  /// Its parameters ask for the records' ids.
  bool tells_ids() const noexcept { return tells_ids_; }
  /// The errors in fields, when the outcome is invalid.
  const decode_faults& faults() const noexcept { return faults_; }
  /// The reason in a sentence, when the request is malformed.
  const std::string& problem() const noexcept { return problem_; }

 private:
  struct tensor {
    const detail::tensor_datatype* type = nullptr;
    std::int64_t rows = 0;
    bool nested = false;  // [[1],[2]], of shape [2,1]
    json_value data;
  };
  /// An element of `inputs` as the request has it.
  struct input {
    bool is_object = false;
    json_value name, shape, datatype, parameters, data;
  };

  bool read_request(std::string_view body) {
    if (body.empty()) return wrong("The body is empty.");
    if (detail::looks_like_utf16_or_32(body) || !detail::utf8_or_surrogates(body))
      return wrong("The body is not UTF-8.");
    const std::string_view text = detail::without_mark(body);
    if (const auto stop = detail::json_check(text).run()) {
      if (stop->message.empty()) return wrong("The body is nested too deeply, or has an integer of too many digits.");
      return wrong("The body is not JSON: " + detail::syntax_sentence(detail::locate(text, *stop)));
    }
    json_value id, parameters, inputs, outputs;
    end_ = text.data() + text.size();
    const json_value request(detail::skip_blanks(text.data(), end_), end_);
    if (!members(request, "The request",
                 {{"id", &id},
                  {"parameters", &parameters},
                  {"inputs", &inputs, &tensor_decoder::find_inputs},
                  {"outputs", &outputs}})) {
      return false;
    }
    if (id && id.kind() != json_kind::text) return wrong("'id' is not a string.");
    if (id) id_ = unescaped(id.raw_text(), spare_);
    if (!valid_parameters(parameters, "the request") || !read_options(parameters)) return false;
    return read_outputs(outputs) && read_inputs(inputs);
  }

  bool read_outputs(json_value list) {
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

  bool read_inputs(json_value list) {
    tensors_.fill({});
    if (!list) return wrong("'inputs' is missing.");
    if (list.kind() != json_kind::array) return wrong("'inputs' is not an array.");
    for (std::size_t i = 0; i < found_; ++i) {
      if (!read_input(inputs_[i])) return false;
    }
    for (std::size_t i = 0; i < Schema::size; ++i) {
      if (Schema::required[i] && !tensors_[i].type)
        return wrong("The input " + shown(Schema::names[i]) + " is missing.");
    }
    return true;
  }

  /// Notes the inputs of an array, to be read later; returns what follows it. The last one that has room is unknown or
  /// a duplicate.
  const char* find_inputs(json_value list) {
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

  bool read_input(const input& from) {
    if (!from.is_object) return wrong("An input is not an object.");
    const json_value name = from.name, shape = from.shape, datatype = from.datatype, data = from.data;
    if (!valid_name(name, "An input")) return false;
    const std::string_view text = unescaped(name.raw_text(), spare_);
    const std::size_t i = Schema::index_of(text);
    const std::string which = "The input " + shown(text);
    if (i == Schema::npos) return wrong(which + " is none of this model's.");
    tensor& t = tensors_[i];
    if (t.type) return wrong(which + " is duplicated.");
    if (!valid_parameters(from.parameters, "the input " + shown(text))) return false;

    if (!datatype || datatype.kind() != json_kind::text) return wrong(which + " has no datatype.");
    const std::string_view type = unescaped(datatype.raw_text(), spare_);
    const auto* const known = std::find_if(std::begin(detail::tensor_datatypes), std::end(detail::tensor_datatypes),
                                           [&](const auto& d) { return d.name == type; });
    const field_kind kind = Schema::kinds[i];
    if (known == std::end(detail::tensor_datatypes) ||
        (known->kind != kind && !(known->kind == field_kind::integer && kind == field_kind::real))) {
      return wrong(which + " has the datatype " + shown(type) + ", not " + std::string(detail::datatype_of(kind)) +
                   ".");
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

  bool read_columns(batch<Schema>& to) {
    std::int64_t rows = -1;
    for (std::size_t i = 0; i < Schema::size; ++i) {
      const tensor& t = tensors_[i];
      if (!t.type) continue;
      if (rows >= 0 && t.rows != rows) {
        return wrong("The inputs have different lengths: " + std::to_string(rows) + " and " + std::to_string(t.rows) +
                     ".");
      }
      rows = t.rows;
    }
    if (rows <= 0) return wrong("The inputs hold no records.");
    if (static_cast<std::uint64_t>(rows) > limits_.max_records) {
      return wrong("There are more than " + std::to_string(limits_.max_records) + " records.");
    }
    // Nothing is allocated for elements that the body cannot hold.
    for (std::size_t i = 0; i < Schema::size; ++i) {
      if (tensors_[i].type && static_cast<std::uint64_t>(rows) > body_size_) return wrong_length(i);
    }
    to.reserve(static_cast<std::size_t>(rows));
    for (std::int64_t row = 0; row < rows; ++row) to.add_row();
    bool good = true;
    Schema::for_each([&]<std::size_t At>() { good = good && read_column<At>(to); });
    return good;
  }

  template <std::size_t At>
  bool read_column(batch<Schema>& to) {
    using field = typename Schema::template field<At>;
    const tensor& t = tensors_[At];
    auto* const column = to.template data<At>();
    if constexpr (!field::required) {
      if (!t.type) {
        std::fill_n(column, to.rows(), field::absent());
        return true;
      }
    }
    column_errors_ = 0;
    const bool single = t.type->name == "FP32";
    const auto blanks = [&](const char* from) { return detail::skip_blanks(from, end_); };
    std::size_t row = 0;
    for (const char* p = blanks(t.data.begin() + 1); *p != ']'; ++row) {
      if (row == to.rows()) return wrong_length(At);
      const char* behind = read_plain_value<At>(p, t, single, column[row]);
      if (behind == nullptr) {
        json_value v(p, end_);
        behind = v.end();
        if ((v.kind() == json_kind::array) != t.nested) return wrong_nesting(At);
        if (t.nested) {
          v = v.first_element();
          if (!v || v.next_element() || v.kind() == json_kind::array) return wrong_nesting(At);
        }
        read_value<At>(v, *t.type, row, column[row], to);
      }
      p = blanks(behind);
      if (*p == ',') p = blanks(p + 1);
    }
    return row == to.rows() || wrong_length(At);
  }

  /// A value as most are, good and without escapes; returns what follows it. nullptr: to be read with care.
  template <std::size_t At, class Stored>
  [[gnu::always_inline]] const char* read_plain_value(const char* p, const tensor& t, bool single,
                                                      Stored& stored) const {
    using field = typename Schema::template field<At>;
    if (t.nested && *p++ != '[') return nullptr;
    const auto keep = [&](typename field::value_type v) -> const char* {
      if constexpr (field::kind != field_kind::boolean) {
        if (!field::valid(v)) return nullptr;
      }
      if (t.nested && *p++ != ']') return nullptr;
      stored = field::store(v);
      return p;
    };
    if constexpr (field::kind == field_kind::boolean) {
      const json_value v(p, end_);
      if (v.kind() != json_kind::boolean) return nullptr;
      p += v.is_true() ? 4 : 5;
      return keep(v.is_true());
    } else if constexpr (field::kind == field_kind::text) {
      if (*p != '"') return nullptr;
      const char* const text = p + 1;
      p = detail::skip_plain_text(text, end_);
      if (*p != '"') return nullptr;
      ++p;
      return keep({text, static_cast<std::size_t>(p - text) - 1});
    } else {
      if (field::kind == field_kind::integer || t.type->kind == field_kind::integer) {
        std::int64_t v = 0;
        p = read_plain_number(p, v);
        if (p == nullptr || v < t.type->least || v > t.type->most) return nullptr;
        return keep(static_cast<typename field::value_type>(v));
      }
      double v = 0;
      p = read_plain_number(p, v);
      if (p == nullptr) return nullptr;
      if (single) v = static_cast<double>(static_cast<float>(v));
      return std::isfinite(v) ? keep(static_cast<typename field::value_type>(v)) : nullptr;
    }
  }

  /// The number at p, of 64 bits or finite; returns what follows it, or nullptr where there is none.
  template <class Number>
  [[gnu::always_inline]] const char* read_plain_number(const char* p, Number& to) const noexcept {
    constexpr bool real = std::is_same_v<Number, double>;
    if (end_ - p >= 8) {
      const std::uint64_t bytes = detail::load8(p);
      const std::uint64_t stops = detail::first_equal_byte(bytes, 0x2C2C2C2C2C2C2C2CU) |  // ','
                                  detail::first_equal_byte(bytes, 0x5D5D5D5D5D5D5D5DU);   // ']'
      const auto size = static_cast<std::size_t>(std::countr_zero(stops)) / 8;
      detail::parsed<Number> v;
      if constexpr (real) {
        v = detail::read_short_real(bytes, size);
      } else {
        v = detail::read_short_integer(bytes, size);
      }
      if (stops != 0 && v.wrong == 0) {
        to = v.value;
        return p + size;
      }
    }
    const char* const digits = p + (*p == '-');
    if (!detail::is_digit(*digits)) return nullptr;
    const char* const behind = json_value(p, end_).end();
    const std::string_view token(p, static_cast<std::size_t>(behind - p));
    if constexpr (real) {
      to = detail::real_of_token(token);
      return std::isfinite(to) ? behind : nullptr;
    } else {
      const auto c = detail::digits_to_integer(token);
      to = c.value;
      return detail::skip_digits(digits, behind) == behind && !c.wrong ? behind : nullptr;
    }
  }

  template <std::size_t At, class Stored>
  void read_value(json_value v, const detail::tensor_datatype& type, std::size_t row, Stored& stored,
                  batch<Schema>& to) {
    using field = typename Schema::template field<At>;
    const auto fail = [&](fault what, limit bound = {}) {
      if (valid_.empty()) valid_.assign(to.rows(), 1);
      valid_[row] = 0;
      if (column_errors_++ >= limits_.max_errors) {  // those of a column come in the order of its rows
        ++faults_.unlisted;
        return;
      }
      faults_.errors.push_back({static_cast<std::uint32_t>(row), static_cast<std::uint16_t>(At), what, bound});
    };
    if (v.kind() == json_kind::null) {
      if constexpr (field::required) {
        return fail(fault::null);
      } else {
        stored = field::absent();
        return;
      }
    }
    coerced<typename field::value_type> c;
    if constexpr (field::kind == field_kind::text) {
      c = coerce::strict::text(v, to);
    } else if constexpr (field::kind == field_kind::boolean) {
      c = coerce::strict::boolean(v);
    } else if (type.kind == field_kind::integer) {
      const auto whole = coerce::strict::integer(v);
      if (!whole.wrong && whole.value < type.least) return fail(fault::ge, type.least);
      if (!whole.wrong && whole.value > type.most) return fail(fault::le, type.most);
      c = {static_cast<typename field::value_type>(whole.value), whole.wrong};
    } else if constexpr (field::kind == field_kind::real) {
      c = coerce::strict::real(v);
      if (!c.wrong && type.name == "FP32") {
        c.value = static_cast<double>(static_cast<float>(c.value));
        if (!std::isfinite(c.value)) c.wrong = fault::not_finite;
      }
    }
    if (c.wrong) return fail(*c.wrong);
    if constexpr (field::kind != field_kind::boolean) {
      if (const auto broken = field::first_violation(c.value)) return fail(broken->what, broken->bound);
    }
    stored = field::store(c.value);
  }

  struct wanted_member {
    std::string_view name;
    json_value* value;
    const char* (tensor_decoder::*read_array)(json_value) = nullptr;  ///< returns what follows it
  };
  /// Fills in the members of these names; null counts as absent, other members are let be.
  bool members(json_value v, std::string_view what, std::initializer_list<wanted_member> wanted) {
    if (!v.is_object()) return wrong(std::string(what) + " is not an object.");
    find_members(v, wanted);
    return true;
  }
  /// The same of an object; returns what follows it.
  const char* find_members(json_value object, std::initializer_list<wanted_member> wanted) {
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
  bool valid_name(json_value v, std::string_view what) {
    return (v && v.kind() == json_kind::text) || wrong(std::string(what) + " has no name.");
  }
  /// The options in a request's parameters.
  bool read_options(json_value parameters) {
    bool good = true;
    if (!parameters) return good;
    parameters.for_each_member([&](std::string_view raw_key, json_value v) {
      const std::string_view key = unescaped(raw_key, spare_);
      if (key == "on_error") {
        skips_ = v.kind() == json_kind::text && v.raw_text() == "skip";
        if (!skips_ && (v.kind() != json_kind::text || v.raw_text() != "fail")) {
          good = wrong("The parameter 'on_error' is neither 'fail' nor 'skip'.");
        }
      } else if (key == "explain") {
        explains_ = v.raw() == "true" || v.raw() == "1";
        if (!explains_ && v.kind() != json_kind::null && v.raw() != "0" && v.raw() != "false") {
          good = wrong(
              "The parameter 'explain' is neither true nor false: tensors hold the contributions of all features.");
        }
      } else if (key == "ids") {
        tells_ids_ = v.raw() == "true" || v.raw() == "1";
        if (!tells_ids_ && v.kind() != json_kind::null && v.raw() != "0" && v.raw() != "false") {
          good = wrong("The parameter 'ids' is neither true nor false.");
        } else if (tells_ids_ && Schema::id_at == Schema::npos) {
          good = wrong("The parameter 'ids' needs an id in the schema.");
        }
      }
    });
    return good;
  }
  /// An object of strings, numbers and booleans.
  bool valid_parameters(json_value v, std::string_view whose) {
    bool good = !v || v.kind() == json_kind::object;
    if (v && good) {
      v.for_each_member([&](std::string_view, json_value p) {
        good = good && p.kind() != json_kind::array && p.kind() != json_kind::object;
      });
    }
    return good ||
           wrong("The parameters of " + std::string(whose) + " are not an object of strings, numbers and booleans.");
  }

  bool wrong(std::string sentence) {
    problem_ = std::move(sentence);
    return false;
  }
  bool wrong_length(std::size_t field) {
    return wrong("The data of the input " + shown(Schema::names[field]) + " has not the " +
                 std::to_string(tensors_[field].rows) + " elements that its shape says.");
  }
  bool wrong_nesting(std::size_t field) {
    return wrong("The data of the input " + shown(Schema::names[field]) + " is not nested as its shape says.");
  }
  /// A name in a sentence, unless a client made it too long for one.
  static std::string shown(std::string_view name) {
    if (name.size() > 200) return "with a name of " + std::to_string(name.size()) + " bytes";
    return "'" + std::string(name) + "'";
  }

  static constexpr std::size_t max_outputs = 64;  // each name is compared with those before it

  decode_limits limits_;
  const char* end_ = nullptr;  // of the body
  std::array<input, Schema::size + 1> inputs_;
  std::size_t found_ = 0;  // inputs
  std::array<tensor, Schema::size> tensors_;
  std::optional<std::string> id_;
  std::vector<std::string> outputs_;
  decode_faults faults_;
  std::size_t column_errors_ = 0;
  std::size_t body_size_ = 0;
  bool skips_ = false;
  bool explains_ = false;
  bool tells_ids_ = false;
  std::vector<std::uint8_t> valid_;  // of each record; empty: all are
  std::string problem_;
  std::string spare_;
};

}  // namespace tabscore::inline TABSCORE_ABI
