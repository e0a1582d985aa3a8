// A shared library for Python and other languages: lib@name@.so.
#include <tabscore/capi/c_api.hpp>

#include "@name@.hpp"

TABSCORE_C_API(@name@, @name@);
