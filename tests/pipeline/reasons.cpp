// SPDX-License-Identifier: MIT
// Reasons: what a policy declares, what of it is refused, and which reasons a record gets in answers and in the log.
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <tabscore/tabscore.hpp>
#include <variant>
#include <vector>

#include "support/catch.hpp"

namespace ts = tabscore;

namespace {

using loan = ts::schema<ts::real<"income", ts::ge{0}>, ts::real<"debt">, ts::text<"sector">>;
using credit = ts::decided<ts::binary<"p", "label">, "decision", "approve", "decline">;

/// log-odds = -income + 2 debt + (sector "mines": 1)
ts::logistic model() {
  const ts::encoder encoder{{{0, 1}, {0, 1}}, {ts::one_hot({"mines", "shops"})}};
  return {{{"income", "debt"}, {"sector"}}, encoder, {{-1.0, 2.0}, {{1.0, 0.0}}, 0.0}, 0.5};
}

std::string document(std::string_view reasons) {
  return R"({"format":"tabscore-policy","format_version":1,"name":"credit","version":"1",)"
         R"("threshold":0.5,"below":"approve","reached":"decline","reasons":)" +
         std::string(reasons) + "}";
}
constexpr std::string_view with_record =
    R"({"adverse":"higher","baseline":{"record":{"income":1,"debt":0,"sector":"shops"}},)"
    R"("groups":[{"code":"R1","text":"Low income","features":["income"]},)"
    R"({"code":"R2","text":"Debts, or a sector \"at risk\"","features":["debt","sector"]}]})";

/// What went to the log.
struct lines {
  ts::jsonl_lines format;
  ts::text_buffer text;
  void record(const auto& batch) noexcept { format.append(text, batch, std::chrono::system_clock::time_point{}); }
};

auto pipeline_with(std::string_view reasons, lines& log) {
  const auto policy = ts::parse_policy(document(reasons), "policy.json");
  REQUIRE(policy);
  auto pipe = ts::make_pipeline(loan{}, ts::rules{}, ts::features{}, model(), ts::sinks{log}, credit{}, *policy);
  REQUIRE(pipe);
  const auto wrong = ts::give_reasons(*pipe, *policy);
  INFO((wrong ? wrong->message : ""));
  REQUIRE_FALSE(wrong);
  return *std::move(pipe);
}

std::string refusal(std::string_view reasons) {
  lines log;
  const auto policy = ts::parse_policy(document(reasons), "policy.json");
  if (!policy) return policy.error().message;
  auto pipe = ts::make_pipeline(loan{}, ts::rules{}, ts::features{}, model(), ts::sinks{log}, credit{}, *policy);
  if (!pipe) return pipe.error().message;
  const auto wrong = ts::give_reasons(*pipe, *policy);
  return wrong ? wrong->message : "";
}

std::vector<std::string> codes(const ts::predictions& p, std::size_t row) {
  std::vector<std::string> all;
  for (const std::uint16_t at : p.reasons->of(row)) all.push_back(p.reasons->known[at].code);
  return all;
}

constexpr std::string_view body =
    R"({"records":[{"income":0,"debt":3,"sector":"mines"},{"income":0,"debt":0.25,"sector":"shops"},)"
    R"({"income":9,"debt":0,"sector":"shops"},{"income":-1,"debt":0,"sector":"shops"}]})";

}  // namespace

TEST_CASE("the reasons of a record make it worse than the baseline, the largest first", "[reasons]") {
  lines log;
  const auto pipe = pipeline_with(with_record, log);
  ts::workspace<loan> w;
  const auto outcome =
      ts::score_request(&pipe, body, w, {.on_error = ts::on_error::skip, .explain = true, .reasons = 4});
  const auto* const some = std::get_if<ts::partial_predictions>(&outcome);
  REQUIRE(some != nullptr);
  REQUIRE(some->rows == std::vector<std::uint32_t>{0, 1, 2});
  const ts::predictions& p = some->scores;
  REQUIRE(p.reasons != nullptr);
  CHECK(codes(p, 0) == std::vector<std::string>{"R2", "R1"});  // 2 * 3 + 1 against 1
  CHECK(codes(p, 1) == std::vector<std::string>{"R1", "R2"});  // 1 against 0.5
  CHECK(codes(p, 2).empty());
  CHECK(p.contributions.size() == 3 * 4);
  ts::text_buffer out;
  ts::append_reasons(out, *p.reasons, 1);
  CHECK(out.view() == R"("reasons":[{"rank":1,"code":"R1","text":"Low income"},)"
                      R"({"rank":2,"code":"R2","text":"Debts, or a sector \"at risk\""}])");
  CHECK(log.text.view().find(R"("sector": "mines"}, "reasons": ["R2", "R1"]})"
                             "\n") != std::string_view::npos);
  CHECK(log.text.view().find(R"("sector": "shops"}, "reasons": []})"
                             "\n") != std::string_view::npos);
}

TEST_CASE("at most the requested number of reasons, and no reasons without a request", "[reasons]") {
  lines log;
  const auto pipe = pipeline_with(with_record, log);
  ts::workspace<loan> w;
  const std::string_view one = R"({"income":0,"debt":3,"sector":"mines"})";
  auto outcome = ts::score_request(&pipe, one, w, {.shape = ts::body_shape::record, .reasons = 1});
  REQUIRE(std::holds_alternative<ts::predictions>(outcome));
  CHECK(codes(std::get<ts::predictions>(outcome), 0) == std::vector<std::string>{"R2"});
  outcome = ts::score_request(&pipe, one, w, {.shape = ts::body_shape::record});
  REQUIRE(std::holds_alternative<ts::predictions>(outcome));
  CHECK(std::get<ts::predictions>(outcome).reasons == nullptr);
  CHECK(log.text.view().ends_with("\"sector\": \"mines\"}}\n"));
}

TEST_CASE("a record has the same reasons alone and in a batch of several blocks", "[reasons]") {
  lines log;
  const auto pipe = pipeline_with(with_record, log);
  ts::workspace<loan> w, alone;
  std::string records;
  for (int i = 0; i < 700; ++i) {
    records += (i == 0 ? "" : ",") + std::string(R"({"income":)") + std::to_string(i % 7) + R"(,"debt":)" +
               std::to_string(i % 5 - 2) + R"(,"sector":")" + (i % 3 == 0 ? "mines" : "shops") + "\"}";
  }
  const auto all = ts::score_request(&pipe, R"({"records":[)" + records + "]}", w, {.reasons = 2});
  REQUIRE(std::holds_alternative<ts::predictions>(all));
  for (std::size_t i = 0; i < 700; i += 13) {
    std::string one = R"({"income":)" + std::to_string(i % 7) + R"(,"debt":)" +
                      std::to_string(static_cast<int>(i % 5) - 2) + R"(,"sector":")" +
                      (i % 3 == 0 ? "mines" : "shops") + "\"}";
    const auto single = ts::score_request(&pipe, one, alone, {.shape = ts::body_shape::record, .reasons = 2});
    REQUIRE(std::holds_alternative<ts::predictions>(single));
    CHECK(codes(std::get<ts::predictions>(single), 0) == codes(std::get<ts::predictions>(all), i));
  }
}

TEST_CASE("only records of the named decisions get reasons; a lower number may be the worse one", "[reasons]") {
  lines log;
  const auto pipe = pipeline_with(R"({"adverse":"lower","baseline":{"record":{"income":1,"debt":1,"sector":"shops"}},)"
                                  R"("unreported":["sector"],"decisions":["approve"]})",
                                  log);
  ts::workspace<loan> w;
  const auto outcome = ts::score_request(
      &pipe, R"({"records":[{"income":9,"debt":0.5,"sector":"shops"},{"income":0,"debt":0.5,"sector":"mines"}]})", w,
      {.reasons = 9});
  REQUIRE(std::holds_alternative<ts::predictions>(outcome));
  const auto& p = std::get<ts::predictions>(outcome);
  CHECK(codes(p, 0) == std::vector<std::string>{"income", "debt"});  // without groups a feature is its own code
  CHECK(p.decision_of(1) == "decline");
  CHECK(codes(p, 1).empty());
}

TEST_CASE("a policy's reasons are checked against the model and the schema", "[reasons]") {
  const auto has = [](std::string_view reasons, std::string_view sentence) {
    const std::string found = refusal(reasons);
    INFO(found);
    CHECK(found == sentence);
  };
  has(R"({"adverse":"up","baseline":"training mean"})",
      R"(policy.json: reasons.adverse: expected "higher" or "lower", found "up")");
  has(R"({"adverse":"higher"})", "policy.json: reasons.baseline: the member is missing");
  has(R"({"adverse":"higher","baseline":{"record":{"income":-1,"debt":1,"sector":"a"}}})",
      "policy.json: reasons.baseline.record: income: must be at least 0");
  has(R"({"adverse":"higher","baseline":{"record":{"income":1,"debt":1,"sector":"a","incme":2}}})",
      R"(policy.json: reasons.baseline.record: "incme" is not a field of the record)");
  has(R"({"adverse":"higher","baseline":{"record":{"debt":1,"sector":"a"}}})",
      "policy.json: reasons.baseline.record: income: is required");
  has(R"({"adverse":"higher","baseline":"training mean","groups":[]})",
      "policy.json: reasons.groups: expected at least one group, found an array");
  has(R"({"adverse":"higher","baseline":"training mean","groups":[{"code":"A","text":"a","features":[]}]})",
      "policy.json: reasons.groups[0].features: expected at least one feature, found an array");
  has(R"({"adverse":"higher","baseline":"training mean"})",
      "policy.json: reasons.baseline: the model's contributions are not relative to the mean of its training rows: "
      "name a record");
  const std::string start =
      R"({"adverse":"higher","baseline":{"record":{"income":1,"debt":0,"sector":"shops"}},"groups":[)";
  has(start + R"({"code":"A","text":"a","features":["income"]},{"code":"A","text":"b","features":["debt"]}]})",
      R"(policy.json: reasons.groups: the code "A" appears twice)");
  has(start + R"({"code":"A","text":"a","features":["income","debt"]}]})",
      R"(policy.json: reasons.groups: the model's feature "sector" belongs to no reason: name it in one, or in )"
      R"("unreported")");
  has(start + R"({"code":"A","text":"a","features":["income","debts"]}]})",
      R"(policy.json: reasons.groups: "debts" is not a feature of the model)");
  has(start + R"({"code":"A","text":"a","features":["income","debt"]}],"unreported":["sector","debt"]})",
      R"(policy.json: reasons.unreported: "debt" belongs to another reason already)");
  has(start + R"({"code":"A","text":"a","features":["income","debt","sector"]}],"decisions":["deny"]})",
      R"(policy.json: reasons.decisions: "deny" is not a decision of the service)");
  has(start + R"({"code":"A","text":"a","features":["income","debt","sector"]}],"number":"q"})",
      R"(policy.json: reasons.number: "q" is not a number of the prediction)");
}

TEST_CASE("the reason of a bin comes before its feature's", "[reasons]") {
  const auto file = ts::parse_model_file(
      R"({"format":"tabscore-model","version":1,"name":"card","kind":"pipeline",
 "provenance":{"trainer":{"name":"by hand","version":"1"},"exporter":"nobody","date":"2026-01-02","training_data":
  {"file":"n.csv","sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","rows":10}},
 "features":{"numeric":[{"name":"income"},{"name":"debt"}],"text":[{"name":"sector"}]},
 "model":{"steps":[{"op":"additive","in":[0,1,2],"bins":[{"cuts":[1]},{"cuts":[1]},{"keys":["mines"]}],"intercept":[0],
  "terms":[{"bins":[0],"values":[[3,0,0]],"reasons":[{"code":"I0","text":"Income below 1"},null,null]},
           {"bins":[1],"values":[[0,2,0]],"reasons":[null,{"code":"R1","text":"not the policy's"},null]},
           {"bins":[2],"values":[[4,0]],"reasons":[{"code":"I0","text":"Income below 1"},null]}]},
  {"op":"sigmoid","in":[3]}],"margin":3,"probability":4},"threshold":0.5,
 "checks":[{"numeric":[2.0,0.0],"text":["shops"],"margin":0.0,"probability":0.5}]})",
      "card.json");
  INFO((file ? "" : file.error().message));
  REQUIRE(file);
  const auto policy = ts::parse_policy(document(with_record), "policy.json");
  auto pipe = ts::make_pipeline(loan{}, ts::rules{}, ts::features{}, ts::make_scorer(*file).value(), ts::sinks{},
                                credit{}, *policy);
  REQUIRE(pipe);
  REQUIRE_FALSE(ts::give_reasons(*pipe, *policy));
  ts::workspace<loan> w;
  const auto outcome =
      ts::score_request(&*pipe,
                        R"({"records":[{"income":0,"debt":0,"sector":"shops"},{"income":0,"debt":3,"sector":"shops"},)"
                        R"({"income":2,"debt":3,"sector":"mines"}]})",
                        w, {.reasons = 4});
  REQUIRE(std::holds_alternative<ts::predictions>(outcome));
  const auto& p = std::get<ts::predictions>(outcome);
  CHECK(codes(p, 0) == std::vector<std::string>{"I0"});
  CHECK(codes(p, 1) == std::vector<std::string>{"I0", "R1"});
  CHECK(codes(p, 2) == std::vector<std::string>{"I0", "R1"});
  CHECK(p.reasons->known[0].text == "Low income");  // a code of the policy keeps its text
}

TEST_CASE("messages show the beginning of a long text", "[reasons]") {
  const std::string name(5000, 'x');
  const std::string shown = std::string(60, 'x') + "...";
  CHECK(refusal(R"({"adverse":"higher","baseline":{"record":{"income":1,"debt":0,"sector":"shops"}},"unreported":[")" +
                name + "\"]}") == "policy.json: reasons.unreported: \"" + shown + "\" is not a feature of the model");
  CHECK(refusal(R"({"adverse":"higher","baseline":{"record":{"income":1,"debt":0,"sector":"shops",")" + name +
                "\":1}}}") == "policy.json: reasons.baseline.record: \"" + shown + "\" is not a field of the record");
  CHECK(refusal("{\"" + name + "\":1}") ==
        "policy.json: reasons." + shown +
            ": unknown member; known are adverse, baseline, number, groups, unreported, decisions");
  const auto bands = [&](const std::string& table) {
    const auto policy = ts::parse_policy(
        R"({"format":"tabscore-policy","format_version":1,"name":"credit","version":"1",)" + table + "}", "p");
    if (!policy) return policy.error().message;
    const auto pipe = ts::make_pipeline(loan{}, ts::rules{}, ts::features{}, model(), ts::sinks{}, credit{}, *policy);
    return pipe ? std::string() : pipe.error().message;
  };
  CHECK(bands(R"("threshold":0.5,"reached":"decline","below":")" + name + "\"") ==
        "p: below: \"" + shown + "\" is not a decision of the service; known are approve, decline");
  CHECK(bands(R"("by":{"field":")" + name +
              R"(","values":{"a":{"threshold":0.5,"below":"approve","reached":"decline"}}})") ==
        "p: by.field: \"" + shown + "\" is not a field of the record; known are income, debt, sector");
  CHECK(bands(R"("by":{"field":"sector","values":{")" + name +
              R"(":{"threshold":0.5,"below":"approve","reached":"no"}}})") ==
        "p: by.values." + shown + ".reached: \"no\" is not a decision of the service; known are approve, decline");
}

TEST_CASE("a request for reasons that no policy declares is refused", "[reasons]") {
  const auto policy =
      ts::parse_policy(R"({"format":"tabscore-policy","format_version":1,"name":"credit","version":"1",)"
                       R"("threshold":0.5,"below":"approve","reached":"decline"})",
                       "policy.json");
  REQUIRE(policy);
  const auto pipe = ts::make_pipeline(loan{}, ts::rules{}, ts::features{}, model(), ts::sinks{}, credit{}, *policy);
  REQUIRE(pipe);
  ts::workspace<loan> w;
  const auto outcome =
      ts::score_request(&*pipe, R"({"records":[{"income":0,"debt":3,"sector":"mines"}]})", w, {.reasons = 1});
  REQUIRE(std::holds_alternative<ts::error>(outcome));
  CHECK(std::get<ts::error>(outcome).message == "there are no reasons: no policy file declares them");
}
