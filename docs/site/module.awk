# Doxygen's view of a header: what a folder of include/tabscore declares is one module. The inline namespace, which
# nobody writes, and the bodies of declared functions are left out. Line numbers stay.
BEGIN {
  if (match(ARGV[1], /include\/tabscore\/[a-z]+\//)) module = substr(ARGV[1], RSTART + 17, RLENGTH - 18)
}
/^#if TABSCORE_(MODEL_)?BODIES/ { depth = 1; print ""; next }
depth > 0 {
  if (/^#if/) ++depth
  if (/^#endif/) --depth
  print ""
  next
}
/operator==\(.*\) = default;/ { print ""; next }
{ sub(/::inline TABSCORE_ABI/, "") }
/^namespace tabscore.*\{$/ && module != "" { $0 = $0 " /** @addtogroup " module " */ /** @{ */"; open = 1 }
/^\}  \/\/ namespace tabscore/ && open { $0 = "/** @} */ " $0; open = 0 }
{ print }
