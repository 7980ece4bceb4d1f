# sojourn_precompile(): parses the headers of the standard library and of GoogleTest once for all files of
# the fuzz preset, whose build is the longest part of ./test. No other preset does: there a file that
# does not include what it uses does not compile.
#
#   sojourn_precompile(lmdb precompiled ALONE.cc...)      # a library; these files do without
#   sojourn_precompile(lmdb_test precompiled_test)        # a test program

set(standard_headers <algorithm> <array> <atomic> <charconv> <chrono> <condition_variable> <expected>
  <filesystem> <fstream> <functional> <map> <memory> <mutex> <optional> <set> <span> <string> <string_view>
  <thread> <unordered_map> <utility> <variant> <vector>)

if(SOJOURN_FUZZ)
  # What a file was precompiled from is compared by content, so that ccache can keep it.
  list(PREPEND CMAKE_CXX_COMPILER_LAUNCHER env CCACHE_SLOPPINESS=pch_defines,time_macros)
  add_compile_options("$<$<COMPILE_LANGUAGE:CXX>:SHELL:-Xclang -fno-pch-timestamp>")
  file(WRITE ${CMAKE_BINARY_DIR}/precompiled.cc "")
  foreach(name IN ITEMS precompiled precompiled_test)
    add_library(${name} OBJECT ${CMAKE_BINARY_DIR}/precompiled.cc)
  endforeach()
  target_compile_options(precompiled PRIVATE -fsanitize=fuzzer-no-link)
  target_precompile_headers(precompiled PRIVATE ${standard_headers})
  target_link_libraries(precompiled_test PRIVATE GTest::gmock)
  target_precompile_headers(precompiled_test PRIVATE ${standard_headers} <gmock/gmock.h> <gtest/gtest.h>)
endif()

function(sojourn_precompile target from)
  if(SOJOURN_FUZZ)
    target_precompile_headers(${target} REUSE_FROM ${from})
    set_source_files_properties(${ARGN} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  endif()
endfunction()
