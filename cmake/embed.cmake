# SPDX-License-Identifier: Apache-2.0
#
# Turns OpenCL sources into a C file of arrays, each ended by a zero: lks_cl_source_NAME.  Lines that include are left out: the sources
# are compiled one behind the other.
#
#     cmake -DOUTPUT=FILE -DSOURCES=a;b;c -P embed.cmake
set(text "/* Made by cmake/embed.cmake. */\n")
foreach(source IN LISTS SOURCES)
  get_filename_component(name ${source} NAME_WE)
  file(STRINGS ${source} lines REGEX "^#include" )
  file(READ ${source} content)
  foreach(line IN LISTS lines)
    string(REPLACE "${line}\n" "\n" content "${content}")
  endforeach()
  file(WRITE ${OUTPUT}.part "${content}")
  file(READ ${OUTPUT}.part hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND text "extern const char lks_cl_source_${name}[];\nconst char lks_cl_source_${name}[] = { ${bytes}0 };\n")
endforeach()
file(WRITE ${OUTPUT} "${text}")
file(REMOVE ${OUTPUT}.part)
