// SPDX-License-Identifier: MIT
#include <tabscore/capi/c_api.h>
#include <tabscore/columnar/arrow_abi.hpp>
#include <tabscore/models/load_model.hpp>
#include <tabscore/outputs/load_policy.hpp>
#include <tabscore/pipeline/pipeline.hpp>
#include <tabscore/pipeline/score_arrow.hpp>

#include <atomic>
#include <cmath>
#include <cstring>
#include <iterator>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "loan_server/loan.hpp"
#include "support/arrow_builder.hpp"
#include "support/catch.hpp"
#include "support/files.hpp"

extern "C" {
TABSCORE_C_DECLARE(loan_default);
int opens_in_c(const char* model, const char* policy);
}

namespace {

using build = arrow_builder;

const std::string models = TABSCORE_SOURCE_DIR "/models/";
const std::string model_path = models + "loan_default.json";
const std::string policy_path = models + "loan_policy.json";

struct opened {
  tabscore_model* model = nullptr;
  opened() {
    REQUIRE(loan_default_open(TABSCORE_C_ABI, model_path.c_str(), policy_path.c_str(), &model) == TABSCORE_OK);
  }
  ~opened() { loan_default_close(model); }
};

constexpr std::size_t rows = 5000;  // more than the library scores at a time
std::string purpose(std::size_t i) { return i % 3 == 0 ? "car" : i % 3 == 1 ? "house" : "a purpose that is not known"; }
std::int64_t months(std::size_t i) { return i % 1000 == 999 ? 481 : static_cast<std::int64_t>(1 + i % 120); }
double amount(std::size_t i) { return 100.0 + static_cast<double>(i % 977); }

struct records {
  tabscore::arrow_schema schema;
  tabscore::arrow_array array;
  explicit records(std::size_t count = rows, const char* months_name = "months", std::size_t first = 0) {
    std::vector<std::string> p;
    std::vector<std::int64_t> m;
    std::vector<double> a, income;
    std::vector<bool> has_income;
    for (std::size_t i = first; i < first + count; ++i) {
      p.push_back(purpose(i));
      m.push_back(months(i));
      a.push_back(amount(i));
      income.push_back(1000.0 + static_cast<double>(i));
      has_income.push_back(i % 7 != 0);
    }
    const auto all =
        build::records({build::texts("purpose", p), build::numbers(months_name, "l", m),
                        build::numbers("amount", "g", a), build::numbers("income", "g", income, has_income)});
    schema = build::schema(all);
    array = build::array(all);
  }
};

std::string error_of(int status, int expected) {
  CHECK(status == expected);
  return loan_default_last_error();
}

}  // namespace

TEST_CASE("C declarations are C, and a program in C opens a model") {
  CHECK(opens_in_c(model_path.c_str(), policy_path.c_str()) == 0);
  CHECK(std::string(loan_default_version()).find('.') != std::string::npos);
}

TEST_CASE("a trainer's own file is a model, too") {
  const std::string files = TABSCORE_SOURCE_DIR "/tests/server/trainer_files/";
  tabscore_model* model = nullptr;
  REQUIRE(loan_default_open(TABSCORE_C_ABI, (files + "loan.ubj").c_str(), policy_path.c_str(), &model) == TABSCORE_OK);
  char* json = nullptr;
  REQUIRE(loan_default_describe(model, &json) == TABSCORE_OK);
  const std::string said = json;
  loan_default_release(json);
  CHECK_THAT(said, support::ContainsSubstring(R"("name":"loan.ubj")"));
  CHECK_THAT(said, support::ContainsSubstring(R"("kind":"xgboost","task":"binary")"));
  std::ifstream file(files + "loan.ubj", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::ifstream decides(policy_path);
  const std::string policy{std::istreambuf_iterator<char>(decides), {}};
  tabscore_model* same = nullptr;
  REQUIRE(loan_default_open_bytes(TABSCORE_C_ABI, bytes.data(), bytes.size(), policy.data(), policy.size(), &same) ==
          TABSCORE_OK);
  std::vector<std::vector<double>> numbers;
  for (const tabscore_model* m : {model, same}) {
    records in(100);
    tabscore::arrow_array out;
    REQUIRE(loan_default_score(m, in.schema.get(), in.array.get(), out.fresh()) == TABSCORE_OK);
    const auto* const first = static_cast<const double*>(out->children[0]->buffers[1]);
    auto& known = numbers.emplace_back();
    for (std::size_t i = 0; i < 100; ++i) {
      if (i % 3 != 2) known.push_back(first[i]);  // XGBoost refuses a purpose that it does not know
    }
  }
  CHECK(numbers[0] == numbers[1]);
  loan_default_close(model);
  loan_default_close(same);
  const std::string wrong = files + "wine.cbm";
  CHECK_THAT(error_of(loan_default_open(TABSCORE_C_ABI, wrong.c_str(), policy_path.c_str(), &model), TABSCORE_MISMATCH),
             support::ContainsSubstring("wine.cbm: the file's numeric feature \"alcalinity_of_ash\""));
}

TEST_CASE("score() gives the pipeline's numbers and a sentence for each wrong record") {
  const opened o;
  records in;
  tabscore::arrow_array out;
  REQUIRE(loan_default_score(o.model, in.schema.get(), in.array.get(), out.fresh()) == TABSCORE_OK);
  CHECK(in.array.empty());  // taken over and released
  CHECK(in.schema.empty());
  REQUIRE(out->length == rows);

  const auto file = tabscore::load_model_file(model_path).value();
  const auto policy = tabscore::load_policy(policy_path).value();
  const tabscore::pipeline pipe{loan(),
                                loan_defaults::rules,
                                loan_defaults::features,
                                tabscore::make_scorer(file).value(),
                                tabscore::sinks<>{},
                                loan_defaults::prediction{},
                                policy};
  records same;
  tabscore::arrow_array expected;
  auto scorer = tabscore::arrow_scorer<std::remove_const_t<decltype(pipe)>>::make(pipe, *same.schema).value();
  REQUIRE(!scorer.score(*same.array, expected.fresh()));
  const auto numbers_of = [](const tabscore::arrow_array& a) {
    return static_cast<const double*>(a->children[0]->buffers[1]);
  };
  const auto* const valid = static_cast<const std::uint8_t*>(out->children[0]->buffers[0]);
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < rows; ++i) {
    const bool has = (valid[i / 8] >> (i % 8) & 1) != 0;
    wrong += !has;
    CHECK(has == (months(i) <= 480 && amount(i) <= 5000.0 * static_cast<double>(months(i))));
    if (has) CHECK(std::memcmp(numbers_of(expected) + i, numbers_of(out) + i, sizeof(double)) == 0);
  }
  CHECK(wrong == rows / 1000);
  for (std::size_t i = 0; i < rows - 1; i += 500) {
    records one(1, "months", i);
    tabscore::arrow_array alone;
    REQUIRE(loan_default_score(o.model, one.schema.get(), one.array.get(), alone.fresh()) == TABSCORE_OK);
    CHECK(std::memcmp(numbers_of(alone), numbers_of(out) + i, sizeof(double)) == 0);
  }
  const auto* const ends = static_cast<const std::int64_t*>(out->children[3]->buffers[1]);
  const std::string texts(static_cast<const char*>(out->children[3]->buffers[2]), static_cast<std::size_t>(ends[rows]));
  CHECK(texts.find("months: must be at most 480") == 0);
}

TEST_CASE("explain() gives contributions of valid records, which add up to the log-odds, and is not counted") {
  const opened o;
  records in, again;
  tabscore::arrow_array scored, explained;
  tabscore::arrow_schema schema;
  REQUIRE(loan_default_explanation_schema(o.model, schema.fresh()) == TABSCORE_OK);
  REQUIRE(loan_default_score(o.model, in.schema.get(), in.array.get(), scored.fresh()) == TABSCORE_OK);
  REQUIRE(loan_default_explain(o.model, again.schema.get(), again.array.get(), explained.fresh()) == TABSCORE_OK);
  REQUIRE(schema->n_children == 1);
  CHECK(std::string(schema->children[0]->name) == "probability");
  const ArrowArray& number = *explained->children[0];
  REQUIRE(number.n_children == schema->children[0]->n_children);
  CHECK(std::string(schema->children[0]->children[number.n_children - 1]->name) == "base_value");
  CHECK(number.null_count == rows / 1000);
  const auto* const probability = static_cast<const double*>(scored->children[0]->buffers[1]);
  const auto* const valid = static_cast<const std::uint8_t*>(number.buffers[0]);
  for (std::size_t i = 0; i < rows; ++i) {
    if ((valid[i / 8] >> (i % 8) & 1) == 0) continue;
    double sum = 0;
    for (std::int64_t f = 0; f < number.n_children; ++f) {
      sum += static_cast<const double*>(number.children[f]->buffers[1])[i];
    }
    CHECK(1 / (1 + std::exp(-sum)) == Approx(probability[i]).epsilon(1e-9));
  }
  char* text = nullptr;
  REQUIRE(loan_default_state(o.model, &text) == TABSCORE_OK);
  CHECK(std::string(text).find("\"samples\": " + std::to_string(rows - rows / 1000)) != std::string::npos);
  loan_default_release(text);
  loan_default_release(nullptr);
}

TEST_CASE("a stream is scored batch by batch") {
  const opened o;
  tabscore::arrow_stream in, out;
  std::vector<records> batches(3);
  struct source {
    std::vector<records>& batches;
    std::size_t next = 0;
  } from{batches};
  *in.fresh() = {.get_schema =
                     [](ArrowArrayStream* s, ArrowSchema* to) {
                       static_cast<source*>(s->private_data)->batches[0].schema.move_to(to);
                       return 0;
                     },
                 .get_next =
                     [](ArrowArrayStream* s, ArrowArray* to) {
                       auto& self = *static_cast<source*>(s->private_data);
                       if (self.next < self.batches.size()) {
                         self.batches[self.next++].array.move_to(to);
                       } else {
                         *to = ArrowArray{};
                       }
                       return 0;
                     },
                 .get_last_error = [](ArrowArrayStream*) -> const char* { return nullptr; },
                 .release = [](ArrowArrayStream* s) { s->release = nullptr; },
                 .private_data = &from};
  REQUIRE(loan_default_score_stream(o.model, in.get(), out.fresh()) == TABSCORE_OK);
  CHECK(in.empty());
  std::int64_t count = 0;
  for (;;) {
    tabscore::arrow_array batch;
    REQUIRE(out->get_next(out.get(), batch.fresh()) == 0);
    if (batch.empty()) break;
    count += batch->length;
  }
  CHECK(count == 3 * rows);
}

TEST_CASE("a wrong call gives a status and a sentence, and releases its arguments") {
  const int before = build::alive;
  tabscore_model* m = nullptr;
  CHECK(error_of(loan_default_open(TABSCORE_C_ABI + 1, model_path.c_str(), nullptr, &m), TABSCORE_UNSUPPORTED) ==
        "the program was built for version 2 of the C functions, this library has version 1: build both from one "
        "tabscore");
  CHECK(error_of(loan_default_open(TABSCORE_C_ABI, "/no/such/file", policy_path.c_str(), &m), TABSCORE_IO)
            .find("/no/such/file") == 0);
  CHECK(error_of(loan_default_open(TABSCORE_C_ABI, nullptr, nullptr, &m), TABSCORE_ARGUMENT) != "");
  CHECK(error_of(loan_default_open_bytes(TABSCORE_C_ABI, "{", 1, nullptr, 0, &m), TABSCORE_SYNTAX) != "");
  CHECK(error_of(loan_default_open(TABSCORE_C_ABI, model_path.c_str(), nullptr, &m), TABSCORE_MISMATCH) != "");
  CHECK(m == nullptr);
  {
    const opened o;
    records in(10, "other"), good(10);
    tabscore::arrow_array out;
    CHECK(error_of(loan_default_score(o.model, in.schema.get(), in.array.get(), out.fresh()), TABSCORE_MISMATCH) ==
          "Arrow: column 'months' is missing");
    CHECK(out.empty());
    CHECK(in.array.empty());
    CHECK(error_of(loan_default_score(nullptr, good.schema.get(), good.array.get(), out.fresh()), TABSCORE_ARGUMENT) !=
          "");
    CHECK(good.array.empty());
    CHECK(error_of(loan_default_score(o.model, good.schema.get(), good.array.get(), out.fresh()), TABSCORE_ARGUMENT) !=
          "");
    const std::uint64_t foreign[4]{};
    char* text = nullptr;
    const auto* const other = reinterpret_cast<const tabscore_model*>(foreign);
    CHECK(error_of(loan_default_describe(other, &text), TABSCORE_ARGUMENT) != "");
    loan_default_close(nullptr);
  }
  CHECK(build::alive == before);
}

TEST_CASE("bytes of a model give the numbers of its file, and threads share a model") {
  const std::string model = support::contents(model_path), policy = support::contents(policy_path);
  tabscore_model* m = nullptr;
  REQUIRE(loan_default_open_bytes(TABSCORE_C_ABI, model.data(), model.size(), policy.data(), policy.size(), &m) ==
          TABSCORE_OK);
  const opened o;
  const auto score = [](tabscore_model* with) {
    records in;
    tabscore::arrow_array out;
    if (loan_default_score(with, in.schema.get(), in.array.get(), out.fresh()) != TABSCORE_OK) return std::string();
    return std::string(static_cast<const char*>(out->children[0]->buffers[1]), rows * sizeof(double));
  };
  const std::string expected = score(o.model);
  REQUIRE(expected.size() == rows * sizeof(double));
  CHECK(score(m) == expected);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 4; ++i) wrong += score(m) != expected;
      if (loan_default_score(nullptr, nullptr, nullptr, nullptr) != TABSCORE_ARGUMENT) ++wrong;
      wrong += std::string(loan_default_last_error()).empty();
    });
  }
  for (std::thread& t : threads) t.join();
  CHECK(wrong == 0);
  CHECK(std::string(loan_default_last_error()).empty());  // a thread's own
  loan_default_close(m);
}
