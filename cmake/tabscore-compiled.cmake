# tabscore::compiled is tabscore::tabscore with what depends on no type of the user compiled once, in a static library of the
# program's own build and with its flags; nothing is built where it is not linked. The includer sets tabscore_include_folder; Conan's package has this file in share/cmake.
if(NOT tabscore_include_folder)
  get_filename_component(tabscore_include_folder ${CMAKE_CURRENT_LIST_DIR}/../../include ABSOLUTE)
endif()
if(NOT TARGET tabscore_compiled)
  # Two halves, which compile side by side.
  add_library(tabscore_compiled STATIC EXCLUDE_FROM_ALL ${tabscore_include_folder}/tabscore/tabscore_models.cpp
                                                        ${tabscore_include_folder}/tabscore/tabscore_rest.cpp)
  add_library(tabscore::compiled ALIAS tabscore_compiled)
  target_compile_definitions(tabscore_compiled PUBLIC TABSCORE_COMPILED)
  target_link_libraries(tabscore_compiled PUBLIC tabscore::tabscore)
  # It may become part of a shared library, which exports nothing of it.
  set_target_properties(tabscore_compiled PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden
                                                     VISIBILITY_INLINES_HIDDEN ON UNITY_BUILD OFF)
endif()
