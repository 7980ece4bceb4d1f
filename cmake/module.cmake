# module(): one floor of the house as a CMake library.
#
#   module(NAME lmdb FLOOR 3
#     PUBLIC_HEADERS lmdb_store.h      # what other floors may include, as "lmdb/lmdb_store.h"
#     SOURCES lmdb_store.cc            # private headers are included by their plain name, "record.h"
#     USES base domain store           # lower floors that the public headers name
#     USES_PRIVATELY ...               # lower floors that only the .cc files name
#     LINKS fmt::fmt                   # system libraries
#     TESTS record_test.cc             # one test program per module: lmdb_test
#     TEST_USES store_testing          # further modules of the test program alone
#     FUZZERS record_fuzz.cc)          # one libFuzzer program each, in the fuzz preset
#
# Two fences keep the floors: a module may use only modules of a lower floor (checked here, at
# configure time), and every module has an include root of its own that holds links to its public
# headers alone, so an include of a module that was not declared does not compile.

define_property(TARGET PROPERTY SOJOURN_FLOOR BRIEF_DOCS "floor" FULL_DOCS "floor of the module")

include(cmake/precompile.cmake)

function(module)
  cmake_parse_arguments(M "" "NAME;FLOOR"
    "PUBLIC_HEADERS;SOURCES;USES;USES_PRIVATELY;LINKS;TESTS;TEST_USES;TEST_LINKS;FUZZERS" ${ARGN})
  if(M_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "module ${M_NAME}: unknown words: ${M_UNPARSED_ARGUMENTS}")
  endif()

  foreach(lower IN LISTS M_USES M_USES_PRIVATELY)
    if(NOT TARGET ${lower})
      message(FATAL_ERROR "module ${M_NAME} uses ${lower}, which is not a module of a lower floor.")
    endif()
    get_target_property(lower_floor ${lower} SOJOURN_FLOOR)
    if(NOT lower_floor LESS M_FLOOR)
      message(FATAL_ERROR "module ${M_NAME} (floor ${M_FLOOR}) may not use ${lower} "
        "(floor ${lower_floor}): a module uses only lower floors. See ARCHITECTURE.md.")
    endif()
  endforeach()

  # The include root: build/<preset>/include/<module>/<module>/x.h -> src/<module>/x.h
  set(root ${CMAKE_BINARY_DIR}/include/${M_NAME})
  file(REMOVE_RECURSE ${root})
  get_filename_component(folder ${CMAKE_CURRENT_SOURCE_DIR} NAME)
  foreach(header IN LISTS M_PUBLIC_HEADERS)
    get_filename_component(header_folder ${root}/${folder}/${header} DIRECTORY)
    file(MAKE_DIRECTORY ${header_folder})
    file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR}/${header} ${root}/${folder}/${header} SYMBOLIC)
  endforeach()

  # A public header stands alone. x.cc includes its x.h first (tests/test_house.py), which shows it; for
  # the others, one generated file per header includes it and nothing else. (In some presets: it is as
  # true in the others.)
  set(alone_sources)
  if(M_SOURCES AND NOT SOJOURN_HEADERS_ALONE)
    set(M_PUBLIC_HEADERS)
  endif()
  foreach(header IN LISTS M_PUBLIC_HEADERS)
    string(REGEX REPLACE "\\.h$" ".cc" own_source ${header})
    if(own_source IN_LIST M_SOURCES)
      continue()
    endif()
    string(MAKE_C_IDENTIFIER ${header} identifier)
    set(alone ${CMAKE_BINARY_DIR}/stands_alone/${M_NAME}/${identifier}.cc)
    if(NOT EXISTS ${alone})
      file(WRITE ${alone} "#include \"${folder}/${header}\"\n")
    endif()
    list(APPEND alone_sources ${alone})
  endforeach()

  add_library(${M_NAME} STATIC ${M_SOURCES} ${alone_sources})
  set_target_properties(${M_NAME} PROPERTIES SOJOURN_FLOOR ${M_FLOOR})
  target_include_directories(${M_NAME} PUBLIC ${root})
  target_link_libraries(${M_NAME} PUBLIC ${M_USES} ${M_LINKS} PRIVATE ${M_USES_PRIVATELY})
  if(SOJOURN_FUZZ)
    target_compile_options(${M_NAME} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
  sojourn_precompile(${M_NAME} precompiled ${alone_sources})

  if(M_TESTS)
    add_executable(${M_NAME}_test ${M_TESTS})
    target_link_libraries(${M_NAME}_test PRIVATE ${M_NAME} ${M_USES_PRIVATELY} ${M_TEST_USES}
      ${M_TEST_LINKS} GTest::gmock GTest::gtest_main)
    sojourn_precompile(${M_NAME}_test precompiled_test)
    add_test(NAME ${M_NAME} COMMAND ${M_NAME}_test)
    set_tests_properties(${M_NAME} PROPERTIES TIMEOUT 900)
  endif()

  if(SOJOURN_FUZZ)
    foreach(fuzzer IN LISTS M_FUZZERS)
      get_filename_component(fuzzer_name ${fuzzer} NAME_WE)
      add_executable(${fuzzer_name} ${fuzzer})
      target_link_libraries(${fuzzer_name} PRIVATE ${M_NAME} ${M_USES_PRIVATELY})
      target_compile_options(${fuzzer_name} PRIVATE -fsanitize=fuzzer)
      target_link_options(${fuzzer_name} PRIVATE -fsanitize=fuzzer)
      # A few seconds on every run of the tests, so that no fuzzer rots. Longer: see HACKING.md.
      add_test(NAME ${fuzzer_name} COMMAND ${fuzzer_name} -max_total_time=3 -timeout=5 -verbosity=0)
    endforeach()
  endif()
endfunction()
