// For classes and functions: what is declared before, nothing around.
using student =
    ts::schema<ts::text<"country", ts::min_length{2}>, ts::integer<"days", ts::ge{0}>, ts::real<"minutes", ts::ge{0}>>;
struct message {
  std::string country;
  double probability;
};
BLOCK
