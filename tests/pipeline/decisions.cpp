// SPDX-License-Identifier: MIT
// Decisions: policies as files, what of them is refused, and what follows of predictions in answers, logs, tables and
// totals.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tabscore/tabscore.hpp>
#include <utility>
#include <variant>
#include <vector>

#include "support/catch.hpp"

namespace ts = tabscore;

namespace {

using loan = ts::schema<ts::real<"p">, ts::text<"country", ts::min_length{2}>, ts::optional<ts::text<"sector">>,
                        ts::integer<"age", ts::ge{18}, ts::le{99}>, ts::optional<ts::integer<"score">>,
                        ts::boolean<"known">, ts::optional<ts::boolean<"married">>>;

using binary = ts::decided<ts::binary<"p", "label">, "decision", "approve", "refer", "decline">;
using classes = ts::decided<ts::multiclass<"species", "probabilities">, "decision", "approve", "refer", "decline">;
using number = ts::decided<ts::regression<"price">, "decision", "approve", "refer", "decline">;
using quantiles = ts::decided<ts::quantiles<"p10", "p90">, "decision", "approve", "refer", "decline">;
using outlier = ts::decided<ts::anomaly<"score", "is_outlier">, "decision", "approve", "refer", "decline">;

/// Gives the field p as the first number, and numbers made of it behind it.
struct made_up {
  ts::feature_names names{{"p", "age", "score", "known", "married"}, {}};
  ts::model_outputs described;
  double limit = 0.5;

  const ts::feature_names& features() const { return names; }
  const ts::model_outputs& outputs() const { return described; }
  double threshold() const { return limit; }
  void score(const ts::feature_block& block, ts::scratch&, std::span<double> out) const {
    const std::size_t n = described.columns;
    for (std::size_t i = 0; i < block.rows; ++i) {
      const double p = block.column(0)[i];
      out[i * n] = p;
      for (std::size_t k = 1; k < n; ++k) out[i * n + k] = (1 - p) / static_cast<double>(n - 1);
    }
  }
};

template <class Prediction>
ts::model_outputs outputs_for() {
  const std::size_t columns = Prediction::columns == 0 ? 3 : Prediction::columns;
  ts::model_outputs outputs{Prediction::task, columns, true, {}, ts::class_kind::text, {}};
  if (Prediction::task == ts::task::binary) outputs.classes = {"no", "yes"};
  if (Prediction::task == ts::task::multiclass) outputs.classes = {"a", "b", "c"};
  return outputs;
}

std::string document(std::string_view tables) {
  return R"({"format":"tabscore-policy","format_version":1,"name":"credit","version":"2026-03",)" +
         std::string(tables) + "}";
}
std::string by(std::string_view field, std::string_view rest) {
  return R"("by":{"field":")" + std::string(field) + R"(",)" + std::string(rest) + "}";
}
constexpr std::string_view three_bands =
    R"("bands":[{"below":0.25,"decision":"approve"},{"below":0.5,"decision":"refer"},{"decision":"decline"}])";
constexpr std::string_view half = R"({"threshold":0.5,"below":"approve","reached":"decline"})";

made_up model_of(ts::model_outputs outputs) {
  made_up model;
  model.described = std::move(outputs);
  return model;
}
template <class Prediction, class Sinks>
auto make_with(Sinks sinks, const std::optional<ts::decision_policy>& policy, ts::model_outputs outputs) {
  return ts::make_pipeline(loan{}, ts::rules{}, ts::features{}, model_of(std::move(outputs)), sinks, Prediction{},
                           policy);
}
template <class Prediction>
auto make(const std::optional<ts::decision_policy>& policy) {
  return make_with<Prediction>(ts::sinks{}, policy, outputs_for<Prediction>());
}
template <class Prediction>
auto make(const std::optional<ts::decision_policy>& policy, ts::model_outputs outputs) {
  return make_with<Prediction>(ts::sinks{}, policy, std::move(outputs));
}

/// What is wrong with a policy: as a file, or for this service.
template <class Prediction>
std::string refusal(std::string_view tables, ts::model_outputs outputs = outputs_for<Prediction>()) {
  auto policy = ts::parse_policy(document(tables), "p.json");
  if (!policy) return policy.error().message;
  const auto pipe = make<Prediction>(*policy, std::move(outputs));
  return pipe ? std::string() : pipe.error().message;
}

struct row {
  double p = 0;
  std::string_view country = "DE";
  std::optional<std::string_view> sector = {};
  std::int64_t age = 18;
  std::optional<std::int64_t> score = {};
  bool known = false;
  std::optional<bool> married = {};
};
ts::batch<loan> batch_of(const std::vector<row>& rows) {
  ts::batch<loan> b;
  for (const row& r : rows) b.push_back(r.p, r.country, r.sector, r.age, r.score, r.known, r.married);
  return b;
}

/// The initials of the decisions: "ard".
template <class Prediction>
std::string decisions(std::string_view tables, const std::vector<row>& rows,
                      ts::model_outputs outputs = outputs_for<Prediction>()) {
  const auto policy = ts::parse_policy(document(tables), "p.json");
  REQUIRE(policy);
  const auto pipe = make<Prediction>(*policy, std::move(outputs));
  if (!pipe) return pipe.error().message;
  ts::score_buffers buffers;
  const auto records = batch_of(rows);
  const auto outcome = pipe->score(records.view(), buffers);
  REQUIRE(std::holds_alternative<ts::predictions>(outcome));
  const auto& p = std::get<ts::predictions>(outcome);
  std::string initials;
  for (std::size_t i = 0; i < p.rows(); ++i) initials += p.decision_of(i)[0];
  for (std::size_t i = 0; i < p.rows(); ++i) {  // alone as in the batch
    ts::score_buffers alone;
    const auto one = pipe->score(records.view().slice(i, 1), alone);
    CHECK(std::get<ts::predictions>(one).decision_of(0) == p.decision_of(i));
  }
  return initials;
}

}  // namespace

TEST_CASE("a number that equals a limit is of the band above it, as one that equals the model's threshold",
          "[decisions]") {
  const double below = std::nextafter(0.5, 0);
  CHECK(decisions<binary>(R"("threshold":0.5,"below":"approve","reached":"decline")", {{below}, {0.5}, {1}}) == "add");
  CHECK(decisions<binary>(three_bands, {{0}, {std::nextafter(0.25, 0)}, {0.25}, {below}, {0.5}, {1}}) == "aarrdd");
  CHECK(decisions<binary>(R"("threshold":0,"below":"approve","reached":"decline")", {{0}, {1}}) == "dd");
  CHECK(decisions<binary>(R"("bands":[{"decision":"refer"}])", {{0}, {1}}) == "rr");
}

TEST_CASE("tables by the value of a field", "[decisions]") {
  constexpr std::string_view never = R"({"bands":[{"decision":"decline"}]})",
                             always = R"({"bands":[{"decision":"approve"}]})";
  const auto tables = [&](std::string_view a, std::string_view b, std::string_view rest) {
    std::string text = R"("values":{")";
    return text.append(a)
        .append("\":")
        .append(never)
        .append(",\"")
        .append(b)
        .append("\":")
        .append(always)
        .append("}")
        .append(rest);
  };
  const std::string otherwise = R"(,"otherwise":{"bands":[{"decision":"refer"}]})";
  CHECK(decisions<binary>(by("country", tables("FR", "DE", otherwise)), {{0, "DE"}, {0, "FR"}, {0, "D "}, {0, "US"}}) ==
        "adrr");
  CHECK(decisions<binary>(by("sector", tables("x", "", otherwise)), {{0, "DE", "x"}, {0, "DE", ""}, {0, "DE", {}}}) ==
        "dar");
  CHECK(decisions<binary>(by("sector", tables("x", "y", otherwise + R"(,"missing":)" + std::string(always))),
                          {{0, "DE", "x"}, {0, "DE", "z"}, {0, "DE", {}}}) == "dra");
  CHECK(decisions<binary>(by("age", tables("18", "99", otherwise)), {{.age = 18}, {.age = 99}, {.age = 50}}) == "dar");
  CHECK(decisions<binary>(by("score", tables("-5", "0", otherwise)), {{.score = -5}, {.score = 0}, {.score = 7}, {}}) ==
        "darr");
  CHECK(decisions<binary>(by("known", tables("true", "false", "")), {{.known = true}, {.known = false}}) == "da");
  CHECK(decisions<binary>(by("married", tables("true", "false", R"(,"missing":)" + std::string(always))),
                          {{.married = true}, {.married = false}, {}}) == "daa");
  CHECK(decisions<binary>(by("married", tables("true", "false", otherwise)), {{.married = true}, {}}) == "dr");
}

TEST_CASE("the decision of the least expected cost, of equal ones the first that is declared", "[decisions]") {
  constexpr std::string_view costs =
      R"("costs":{"decline":{"no":50,"yes":0},"approve":{"no":0,"yes":1000},"refer":{"no":20,"yes":20}})";
  // approve: 1000 p; refer: 20; decline: 50 (1 - p)
  CHECK(decisions<binary>(costs, {{0}, {0.019}, {0.021}, {0.5}, {0.61}, {1}}) == "aarrdd");
  CHECK(decisions<binary>(R"("costs":{"decline":{"no":1,"yes":1},"refer":{"yes":1,"no":1}})", {{0}, {0.5}}) == "rr");
  CHECK(decisions<binary>(R"("costs":{"decline":{"no":-1,"yes":0},"refer":{"yes":0,"no":0}})", {{0}, {1}}) == "dr");
  constexpr std::string_view of_three =
      R"("costs":{"approve":{"a":0,"b":9,"c":9},"refer":{"a":2,"b":2,"c":2},"decline":{"a":9,"b":0,"c":0}})";
  CHECK(decisions<classes>(of_three, {{1}, {0.8}, {0.5}, {0}}) == "aard");
  ts::model_outputs unnamed;
  CHECK(decisions<binary>(R"("costs":{"approve":{"0":0,"1":9},"decline":{"0":1,"1":0}})", {{0}, {1}}, unnamed) == "ad");
}

TEST_CASE("bands of every task's numbers", "[decisions]") {
  constexpr std::string_view prices =
      R"("bands":[{"below":-10,"decision":"decline"},{"below":1e6,"decision":"refer"},{"decision":"approve"}])";
  CHECK(decisions<number>(prices, {{-11}, {-10}, {1e6}}) == "dra");
  CHECK(decisions<outlier>(R"("threshold":-0.1,"below":"decline","reached":"approve")", {{-0.2}, {-0.1}, {3}}) ==
        "daa");
  CHECK(decisions<quantiles>(R"("number":"p90","threshold":0.5,"below":"decline","reached":"approve")",
                             {{0.6}, {0.4}}) == "da");
  CHECK(decisions<classes>(R"("number":"a","threshold":0.5,"below":"decline","reached":"approve")", {{0.6}, {0.4}}) ==
        "ad");
}

TEST_CASE("an error of a policy is one sentence", "[decisions]") {
  const auto parse = [](std::string_view text) {
    const auto policy = ts::parse_policy(text, "p.json");
    return policy ? std::string() : policy.error().message;
  };
  CHECK(parse("") == "p.json: expected a JSON document, found nothing");
  CHECK(parse("[]") == "p.json: $: expected an object, found an array");
  CHECK_THAT(parse(std::string(1 << 20, '[')), Catch::Matchers::StartsWith("p.json: expected a JSON document"));
  CHECK_THAT(parse(R"({"x":)" + std::string(1 << 20, '[')), Catch::Matchers::StartsWith("p.json: expected a JSON"));
  CHECK(parse(std::string(ts::max_policy_bytes + 1, ' ')) == "p.json: expected a policy of at most 4194304 bytes");
  CHECK_THAT(parse(document(R"("threshold":NaN,"below":"approve","reached":"decline")")),
             Catch::Matchers::Contains("finite numbers"));
  CHECK(parse(R"({"format":"tabscore-policy"})") == "p.json: format_version: the member is missing");
  CHECK(parse(R"({"format":"x","format_version":1,"name":"a","version":"1"})") ==
        "p.json: format: expected \"tabscore-policy\", found \"x\"");
  CHECK(parse(R"({"format":"tabscore-policy","format_version":2,"name":"a","version":"1"})") ==
        "p.json: format_version: expected 1, the version that this reader knows, found 2");
  CHECK(parse(R"({"format":"tabscore-policy","format_version":1,"name":"","version":"1"})") ==
        "p.json: name: expected a text that is not empty, found \"\"");
  CHECK(parse(R"({"format":"tabscore-policy","format_version":1,"name":"a","version":3,"bands":[]})") ==
        "p.json: version: expected a text, found 3");
  const auto of = [&](std::string_view tables) { return parse(document(tables)); };
  CHECK(of(R"("rule":"x")") ==
        "p.json: rule: unknown member; known are format, format_version, name, version, by, threshold, below, reached, "
        "bands, costs, number, reasons");
  CHECK(of(R"("name":"twice","bands":[])") == "p.json: name: the member appears twice");
  CHECK(of(R"("number":"p")") ==
        "p.json: $: expected one of the members \"threshold\", \"bands\" and \"costs\", found an object");
  CHECK(of(R"("threshold":0.5,"costs":{})") ==
        "p.json: $: expected one of the members \"threshold\", \"bands\" and \"costs\", found an object");
  CHECK(of(R"("threshold":0.5,"below":"approve")") ==
        "p.json: $: expected the member \"reached\" beside \"threshold\"");
  CHECK(of(R"("below":"approve",)" + std::string(three_bands)) ==
        "p.json: $: \"below\" belongs to a \"threshold\", there is none");
  CHECK(of(R"("threshold":"0.5","below":"approve","reached":"decline")") ==
        "p.json: threshold: expected a number, found \"0.5\"");
  CHECK(of(R"("bands":[])") == "p.json: bands: expected a last band without \"below\", for all other numbers");
  CHECK(of(R"("bands":[{"below":0.5,"decision":"approve"}])") ==
        "p.json: bands: expected a last band without \"below\", for all other numbers");
  CHECK(of(R"("bands":[{"below":0.5,"decision":"approve"},{"below":0.5,"decision":"refer"},{"decision":"decline"}])") ==
        "p.json: bands[1].below: expected more than the band before it, which ends below 0.5, found 0.5");
  CHECK(of(R"("bands":[{"decision":"approve"},{"below":0.5,"decision":"refer"}])") ==
        "p.json: bands[1]: the band before it has no \"below\", so nothing is left for this one");
  CHECK(of(R"("bands":[{"from":0.5,"decision":"approve"}])") ==
        "p.json: bands[0].from: unknown member; known are decision, below");
  CHECK(of(R"("bands":{})") == "p.json: bands: expected an array, found an object");
  CHECK(of(R"("costs":{})") == "p.json: costs: expected the costs of at least one decision, found an object");
  CHECK(of(R"("costs":{"approve":{"no":1e301}})") ==
        "p.json: costs.approve.no: expected a number from -1e+300 to 1e+300, found 1e+301");
  CHECK(of(R"("costs":{"approve":{"no":1,"no":2}})") == "p.json: costs.approve: the class \"no\" appears twice");
  CHECK(of(R"("costs":{"approve":{"no":1},"approve":{"no":2}})") ==
        "p.json: costs: the decision \"approve\" appears twice");
  CHECK(of(R"("number":"p","costs":{"approve":{"no":1}})") == "p.json: number: costs are not of one number");
  CHECK(of(by("country", R"("values":{}, "otherwise":)" + std::string(half))) ==
        "p.json: by.values: expected the table of at least one value, found an object");
  CHECK(of(by("country", R"("values":{"DE":)" + std::string(half) + R"(,"DE":)" + std::string(half) + "}")) ==
        "p.json: by.values: the value \"DE\" appears twice");
  CHECK(of(by("country", R"("values":{"DE":{"threshold":0.5}})")) ==
        "p.json: by.values.DE: expected the member \"below\" beside \"threshold\"");
  CHECK(of(by("country", R"("values":{"DE":0.5})")) == "p.json: by.values.DE: expected an object, found 0.5");
  CHECK(of(std::string(three_bands) + "," + by("country", R"("values":{"DE":)" + std::string(half) + "}")) ==
        "p.json: bands: tables by a field's value stand in \"by\" alone");
}

TEST_CASE("a policy that is another service's is refused in one sentence", "[decisions]") {
  CHECK(refusal<binary>(R"("threshold":1.5,"below":"approve","reached":"decline")") ==
        "p.json: threshold: expected a probability from 0 to 1, found 1.5");
  CHECK(refusal<binary>(
            R"("bands":[{"below":-1,"decision":"approve"},{"decision":"decline"}, {"decision":"decline"}])") ==
        "p.json: bands[2]: the band before it has no \"below\", so nothing is left for this one");
  CHECK(refusal<binary>(
            R"("bands":[{"below":-1,"decision":"approve"},{"below":0.5,"decision":"refer"},{"decision":"decline"}])") ==
        "p.json: bands[0].below: expected a probability from 0 to 1, found -1");
  CHECK(refusal<binary>(R"("bands":[{"decision":"aprove"}])") ==
        "p.json: bands[0].decision: \"aprove\" is not a decision of the service; known are approve, refer, decline");
  CHECK(refusal<binary>(R"("costs":{"aprove":{"no":1,"yes":1}})") ==
        "p.json: costs.aprove: \"aprove\" is not a decision of the service; known are approve, refer, decline");
  CHECK(refusal<binary>(R"("costs":{"approve":{"no":1}})") == "p.json: costs.approve.yes: the member is missing");
  CHECK(refusal<binary>(R"("costs":{"approve":{"no":1,"yes":1,"maybe":1}})") ==
        "p.json: costs.approve.maybe: the model has no such class; known are no, yes");
  CHECK(refusal<number>(R"("costs":{"approve":{"no":1}})") ==
        "p.json: costs: a prediction of the task regression has no classes: use a threshold or bands");
  auto scores = outputs_for<classes>();
  scores.probabilities = false;
  CHECK(refusal<classes>(R"("costs":{"approve":{"a":1,"b":1,"c":1}})", scores) ==
        "p.json: costs: the model gives scores of its classes, not probabilities: use bands");
  CHECK(refusal<classes>(three_bands) ==
        "p.json: number: the member is missing: the prediction has the numbers a, b, c");
  CHECK(refusal<quantiles>(R"("number":"p50","threshold":0.5,"below":"approve","reached":"decline")") ==
        "p.json: number: \"p50\" is not a number of the prediction; known are p10, p90");
  const std::string one = R"("values":{"DE":)" + std::string(half) + "}",
                    otherwise = R"(,"otherwise":)" + std::string(half);
  CHECK(refusal<binary>(by("land", one)) ==
        "p.json: by.field: \"land\" is not a field of the record; known are p, country, sector, age, score, known, "
        "married");
  CHECK(refusal<binary>(by("p", one)) ==
        "p.json: by.field: \"p\" is a real number: tables are by a text, an integer or a boolean field");
  CHECK(refusal<binary>(by("country", one)) ==
        "p.json: by.otherwise: the member is missing: it is the table of values that are not named");
  CHECK(refusal<binary>(by("country", one + otherwise + R"(,"missing":)" + std::string(half))) ==
        "p.json: by.missing: \"country\" is required, no record is without it");
  const auto value = [&](std::string_view name) {
    return R"("values":{")" + std::string(name) + R"(":)" + std::string(half) + "}" + otherwise;
  };
  CHECK(refusal<binary>(by("country", value("D"))) ==
        "p.json: by.values.D: the field's constraints allow no such value");
  CHECK(refusal<binary>(by("age", value("17"))) == "p.json: by.values.17: the field's constraints allow no such value");
  CHECK(refusal<binary>(by("age", value("18.0"))) ==
        "p.json: by.values.18.0: \"age\" is an integer, written as JSON does");
  CHECK(refusal<binary>(by("score", value("9007199254740993"))) ==
        "p.json: by.values.9007199254740993: values of an optional field are exact up to 2^53 only");
  CHECK(refusal<binary>(by("known", value("yes"))) == "p.json: by.values.yes: \"known\" is true or false");
  CHECK(refusal<binary>(
            by("country", R"("values":{"DE":{"threshold":2,"below":"approve","reached":"decline"}})" + otherwise)) ==
        "p.json: by.values.DE.threshold: expected a probability from 0 to 1, found 2");
  CHECK(make<binary>(std::nullopt).error().message ==
        "the prediction declares decisions, and there is no policy that makes them: give it one of load_policy() or "
        "parse_policy()");
  CHECK(make<ts::binary<"p", "label">>(*ts::parse_policy(document(three_bands), "p.json")).error().message ==
        "p.json: the prediction declares no decisions: declare ts::decided<...> for a policy");
  CHECK(ts::load_policy("/nowhere/p.json").error().message == "/nowhere/p.json: cannot be opened");
}

TEST_CASE("decisions in answers, log lines, tables and tensors", "[decisions]") {
  const std::string bytes = document(three_bands);
  const auto policy = ts::parse_policy(bytes, "p.json");
  REQUIRE(policy);
  CHECK(policy->name == "credit");
  CHECK(policy->tables == "{" + std::string(three_bands) + "}");
  CHECK(policy->sha256.size() == 64);
  const auto pipe = make<binary>(*policy);
  REQUIRE(pipe);
  ts::score_buffers buffers;
  const auto records = batch_of({{0.25, "FR"}});
  const auto outcome = pipe->score(records.view(), buffers);
  const auto& p = std::get<ts::predictions>(outcome);
  ts::text_buffer out;
  const ts::prediction_names names(pipe->layout());
  names.append_list(out, p);
  CHECK(out.view() == R"({"predictions":[{"p":0.25,"label":0,"decision":"refer"}]})");
  CHECK(names.null_entry() == R"({"p":null,"label":null,"decision":null})");
  out.clear();
  ts::jsonl_lines("abc").append(out, ts::scored<loan>{records.view(), p}, {});
  CHECK(out.view() == R"({"timestamp_utc": "1970-01-01T00:00:00+00:00", "threshold": 0.5, "p": 0.25, "label": 0, )"
                      R"("decision": "refer", "policy": ")" +
                          policy->sha256 +
                          R"(", "features": {"p": 0.25, "country": "FR", "sector": null, "age": 18, "score": null, )"
                          "\"known\": false, \"married\": null}, \"model\": \"abc\", \"version\": \"" +
                          std::string(ts::version_text()) + "\"}\n");
  out.clear();
  ts::csv_writer csv(ts::text_columns(pipe->layout()).value());
  csv.append_head(out, {});
  csv.append(out, {.scores = p});
  CHECK(out.view() == "p,label,decision\n0.25,0,refer\n");
  out.clear();
  ts::row_binary_writer binary_rows(ts::row_binary_header::names_and_types, ts::typed_columns(pipe->layout()).value());
  binary_rows.append_head(out, {});
  CHECK(out.view().find("decision") != std::string_view::npos);
  CHECK(out.view().find("Nullable(String)") != std::string_view::npos);
  out.clear();
  ts::append_output_metadata(out, pipe->layout());
  CHECK(out.view() == R"({"name":"p","datatype":"FP64","shape":[-1]},{"name":"label","datatype":"INT64","shape":[-1]},)"
                      R"({"name":"decision","datatype":"BYTES","shape":[-1]})");
  out.clear();
  ts::append_output(out, p, "decision");
  CHECK(out.view() == R"({"name":"decision","datatype":"BYTES","shape":[1],"data":["refer"]})");

  // A record that has none leaves its place empty, in tables of all records.
  ts::row_scorer<std::remove_cvref_t<decltype(*pipe)>> scorer(*pipe);
  const auto wrong = batch_of({{0.75}, {2}, {0.5}});
  const auto rows = scorer.score(wrong.view(), {});
  REQUIRE(rows.faults.size() == 1);
  CHECK(rows.scores.decision_of(0) == "decline");
  CHECK(rows.scores.decision_of(2) == "decline");
  out.clear();
  csv.append(out, {.scores = rows.scores});
  CHECK(out.view() == "0.75,1,decline\n,,\n0.5,1,decline\n");
}

TEST_CASE("a decision after several classes, and after numbers", "[decisions]") {
  ts::score_buffers buffers;
  const auto answer = [&](const auto& pipe) {
    REQUIRE(pipe);
    const auto outcome = pipe->score(batch_of({{0.5}}).view(), buffers);
    ts::text_buffer out;
    ts::prediction_names(pipe->layout()).append_list(out, std::get<ts::predictions>(outcome));
    return std::string(out.view());
  };
  const auto of = [](std::string_view tables) { return *ts::parse_policy(document(tables), "p.json"); };
  CHECK(answer(make<classes>(of(R"("number":"a",)" + std::string(three_bands)))) ==
        R"({"predictions":[{"species":"a","probabilities":{"a":0.5,"b":0.25,"c":0.25},"decision":"decline"}]})");
  CHECK(answer(make<number>(of(three_bands))) == R"({"predictions":[{"price":0.5,"decision":"decline"}]})");
}

TEST_CASE("decisions are counted exactly, whatever the batches, and states of them merge", "[decisions]") {
  const auto policy = *ts::parse_policy(document(three_bands), "p.json");
  const auto totals_of = [&]<class Prediction>(Prediction, std::size_t batch_rows) {
    ts::moments totals;
    const auto pipe = make_with<Prediction>(ts::sinks{totals}, policy, outputs_for<Prediction>());
    REQUIRE(pipe);
    ts::score_buffers buffers;
    for (std::size_t first = 0; first < 1000; first += batch_rows) {
      std::vector<row> rows;
      for (std::size_t i = first; i < std::min<std::size_t>(1000, first + batch_rows); ++i) {
        rows.push_back({static_cast<double>(i) / 1000});
      }
      REQUIRE(std::holds_alternative<ts::predictions>(pipe->score(batch_of(rows).view(), buffers)));
    }
    return totals.exact();
  };
  const auto whole = totals_of(binary{}, 1000), prices = totals_of(number{}, 1000);
  CHECK(whole.decisions == std::vector<std::uint64_t>{250, 250, 500});
  CHECK(prices.decisions == whole.decisions);
  for (const std::size_t rows : {1U, 3U, 64U, 300U}) {
    CHECK(totals_of(binary{}, rows) == whole);
    CHECK(totals_of(number{}, rows) == prices);
  }

  const auto file = ts::load_model_file(TABSCORE_SOURCE_DIR "/models/loan_default.json");
  REQUIRE(file);
  auto reference = ts::make_drift_reference(*file);
  REQUIRE(reference);
  const std::string undecided = ts::fingerprint(*reference);
  reference->decisions = {"approve", "refer", "decline"};
  CHECK(ts::fingerprint(*reference) != undecided);
  ts::drift_monitor monitor(*reference);
  auto state = ts::state_of(monitor);
  state.totals.samples = 4;
  state.totals.decisions = {1, 0, 3};
  for (auto& f : state.features) f.counts[0] = 4;
  const std::string text = ts::to_json(state);
  CHECK(text.find("\"decisions\": [\n  {\"name\": \"approve\", \"count\": 1},") != std::string::npos);
  const auto read = ts::parse_monitor_state(text, "state");
  REQUIRE(read);
  CHECK(*read == state);
  REQUIRE_FALSE(ts::restore(monitor, *read));
  REQUIRE_FALSE(ts::restore(monitor, *read));
  CHECK(monitor.read().decisions == std::vector<std::uint64_t>{2, 0, 6});
  std::string wrong = text;
  wrong.replace(wrong.find("\"count\": 1"), 10, "\"count\": 2");
  CHECK(ts::parse_monitor_state(wrong, "state").error().message ==
        "state: decisions: expected counts of all 4 samples, of at most 64 decisions, found an array");
}
