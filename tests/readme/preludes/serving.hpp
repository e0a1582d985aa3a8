// For parts of a backend: a service, and a function that is never instantiated.
struct loan_defaults {
  using record = ts::schema<ts::text<"purpose">>;
  static void add_example(ts::batch<record>&) {}
};
template <class>
int backend(std::string_view body) {
  const auto complain = [](const std::string&) { return 1; };
BLOCK
  return response.status == 200 ? 0 : 1;
}
