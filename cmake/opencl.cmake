# SPDX-License-Identifier: Apache-2.0
#
# Whether the OpenCL backend is built: sets LOCKSTEP_WITH_OPENCL.  It needs the headers alone; the loader is looked for at run time.

set(LOCKSTEP_OPENCL AUTO CACHE STRING "the OpenCL backend: AUTO (where CL/cl.h is found), ON or OFF")
set_property(CACHE LOCKSTEP_OPENCL PROPERTY STRINGS AUTO ON OFF)

set(LOCKSTEP_WITH_OPENCL OFF)
if(NOT LOCKSTEP_OPENCL STREQUAL OFF)
  find_path(OPENCL_INCLUDE_DIR CL/cl.h HINTS ENV CUDA_PATH ENV CUDA_HOME PATHS /usr/local/cuda PATH_SUFFIXES include)
  mark_as_advanced(OPENCL_INCLUDE_DIR)
  if(OPENCL_INCLUDE_DIR)
    set(LOCKSTEP_WITH_OPENCL ON)
  elseif(LOCKSTEP_OPENCL STREQUAL AUTO)
    message(STATUS "OpenCL backend: off: CL/cl.h is not found; install opencl-c-headers, then -DLOCKSTEP_OPENCL=ON")
  else()
    message(FATAL_ERROR "LOCKSTEP_OPENCL=${LOCKSTEP_OPENCL}: CL/cl.h is not found: install opencl-c-headers")
  endif()
endif()

# The kernels as data of the library.
if(LOCKSTEP_WITH_OPENCL)
  find_package(Threads REQUIRED)
  file(GLOB opencl_kernels CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/opencl/*.cl)
  list(APPEND opencl_kernels ${PROJECT_SOURCE_DIR}/src/spec/op.h ${PROJECT_SOURCE_DIR}/src/spec/arith.h ${PROJECT_SOURCE_DIR}/src/spec/magic.h
       ${PROJECT_SOURCE_DIR}/src/opencl/args.h)
  set(opencl_embedded ${PROJECT_BINARY_DIR}/opencl_sources.c)
  add_custom_command(OUTPUT ${opencl_embedded}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${opencl_embedded} "-DSOURCES=${opencl_kernels}" -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${opencl_kernels} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
endif()
