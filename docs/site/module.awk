# Doxygen's view of a header: what a folder of include/tabscore declares is one module, and the inline namespace, which
# nobody writes, is left out. Line numbers stay.
BEGIN {
  module = ARGV[1]
  if (module !~ /include\/tabscore\/[a-z]+\//) module = ""
  sub(/.*include\/tabscore\//, "", module)
  sub(/\/.*/, "", module)
}
{ sub(/::inline TABSCORE_ABI/, "") }
/operator==\(.*\) = default;/ { print ""; next }
/^namespace tabscore.*\{$/ && module != "" { $0 = $0 " /** @addtogroup " module " */ /** @{ */"; open = 1 }
/^\}  \/\/ namespace tabscore/ && open { $0 = "/** @} */ " $0; open = 0 }
{ print }
