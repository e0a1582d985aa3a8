// What a fragment of the documentation may use without saying so. The fragment stands in a function at BLOCK.
using student =
    ts::schema<ts::text<"country", ts::min_length{2}>, ts::integer<"days", ts::ge{0}>, ts::real<"minutes", ts::ge{0}>>;
inline const ts::rules rules{ts::rule(col<"minutes"> <= 1440 * col<"days">, "a day has 1440 minutes")};
inline const ts::features features{ts::feature<"minutes_a_day">(col<"minutes"> / max(col<"days">, 1))};

inline void fragment(std::string_view bytes) {
  ts::moments totals;
  struct {
    void record(std::string_view) {}
  } log;
  const ts::result<ts::logistic> loaded = ts::load_logistic("model.json");
  const ts::pipeline pipe{student{}, rules, features, *loaded, ts::sinks{totals}};
  ts::workspace<student> workspace;
  ts::batch<student> records;
  ts::score_buffers buffers;
  const simdjson::padded_string body(bytes);
  {
BLOCK
  }
}
