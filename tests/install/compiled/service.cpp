// SPDX-License-Identifier: MIT
// Serves a type of its own without an HTTP library, from an installed tabscore: service MODEL.
#include <fmt/format.h>

#include <string_view>
#include <tabscore/serving/endpoint.hpp>

namespace ts = tabscore;

struct loan_defaults {
  using record = ts::schema<ts::text<"purpose", ts::min_length{1}>, ts::optional<ts::text<"sector">>,
                            ts::integer<"months", ts::ge{1}, ts::le{480}>, ts::real<"amount", ts::gt{0}>,
                            ts::optional<ts::real<"income", ts::gt{0}>>>;
  static constexpr ts::rules rules{
      ts::rule(ts::col<"amount"> <= 5000 * ts::col<"months">, "an instalment above 5000 is not lent")};
  static constexpr ts::features features{ts::feature<"instalment">(ts::col<"amount"> / ts::col<"months">)};
  static void add_example(ts::batch<record>& records) { records.push_back("car", "public", 48, 12000.0, 2600.0); }
};

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  ts::serving::endpoint<loan_defaults> api({.model = argv[1]});
  if (const auto failed = api.start()) return fmt::print("{}\n", failed->message), 1;

  const auto show = [&](std::string_view method, std::string_view target, std::string_view body = {}) {
    ts::serving::request request{.method = method, .request_id = "a1", .body = body};
    request.set_target(target);
    const auto response = api.handle(request);
    fmt::print("{} {}: {} {}\n{}\n", method, target, response.status, response.content_type,
               response.content_type.starts_with("application/") ? response.body.substr(0, 64) : "...");
    response.for_each_header([](std::string_view name, std::string_view value) {
      if (name == "allow" || name == "location") fmt::print("{}: {}\n", name, value);
    });
  };
  show("POST", "/predict?explain=0", R"({"purpose":"car"})");
  show("POST", "/predict", R"({"purpose":"car","sector":"public","months":48,"amount":12000.0,"income":2600.0})");
  show("POST", "/batch_predict", R"({"records":[{"purpose":"car","months":1,"amount":12000.0}]})");
  show("POST", "/batch_predict", R"({"records":[{"purpose":"","months":"1","amount":12000.0}]})");
  show("GET", "/health");
  show("GET", "/health/");
  show("PUT", "/model");
  show("GET", "/nothing");
  show("GET", "/dashboard");
  show("GET", "/v2/models/loan_default/ready");
  show("GET", "/monitoring/drift");
}
