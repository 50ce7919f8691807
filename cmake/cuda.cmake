# SPDX-License-Identifier: Apache-2.0
#
# Whether the CUDA backend is built, and for which cards: sets LOCKSTEP_WITH_CUDA, and the language.

set(LOCKSTEP_CUDA AUTO CACHE STRING
    "the CUDA backend: AUTO (where nvcc and a card are found, for that card), ON (for all cards) or OFF")
set_property(CACHE LOCKSTEP_CUDA PROPERTY STRINGS AUTO ON OFF)
set(LOCKSTEP_CUDA_ARCHITECTURES "" CACHE STRING
    "architectures to build CUDA kernels for, such as 86-real; empty: as LOCKSTEP_CUDA says")

set(LOCKSTEP_WITH_CUDA OFF)
# Machine code for every generation that exists, and PTX for those that come.
set(all_architectures 75-real 80-real 86-real 89-real 90a-real 100-real 120-real 80-virtual)

# What nvidia-smi calls the cards of this machine, as architectures: 8.6 is 86-real, and Hopper's is 90a-real.
function(find_cards result)
  set(${result} "" PARENT_SCOPE)
  find_program(NVIDIA_SMI nvidia-smi)
  mark_as_advanced(NVIDIA_SMI)
  if(NOT NVIDIA_SMI)
    return()
  endif()
  execute_process(COMMAND ${NVIDIA_SMI} --query-gpu=compute_cap --format=csv,noheader
                  OUTPUT_VARIABLE caps ERROR_QUIET RESULT_VARIABLE status)
  if(status EQUAL 0)
    string(REGEX MATCHALL "[0-9]+\\.[0-9]" caps "${caps}")
    list(TRANSFORM caps REPLACE "\\." "")
    list(REMOVE_DUPLICATES caps)
    list(TRANSFORM caps REPLACE "^90$" "90a")
    list(TRANSFORM caps APPEND "-real")
    set(${result} "${caps}" PARENT_SCOPE)
  endif()
endfunction()

# Cards below sm_75 are left out: they are not supported.  One that the toolkit does not know (CUDA 12.8 is the first with 100
# and 120) gets PTX, which its driver compiles.
function(keep_buildable nvcc architectures result)
  execute_process(COMMAND ${nvcc} --list-gpu-code OUTPUT_VARIABLE known ERROR_QUIET)
  set(kept "")
  foreach(architecture IN LISTS architectures)
    string(REGEX MATCH "[0-9]+" sm ${architecture})
    if(sm LESS 75)
      continue()
    elseif(known MATCHES "sm_${sm}[^0-9]")
      list(APPEND kept ${architecture})
    else()
      list(APPEND kept 80-virtual)
    endif()
  endforeach()
  list(REMOVE_DUPLICATES kept)
  set(${result} "${kept}" PARENT_SCOPE)
endfunction()

if(NOT LOCKSTEP_CUDA STREQUAL OFF)
  find_program(LOCKSTEP_NVCC nvcc HINTS ENV CUDA_PATH ENV CUDA_HOME PATHS /usr/local/cuda PATH_SUFFIXES bin)
  mark_as_advanced(LOCKSTEP_NVCC)
  find_cards(cards)
  if(LOCKSTEP_NVCC AND cards)
    keep_buildable(${LOCKSTEP_NVCC} "${cards}" cards)
  endif()
  if(NOT LOCKSTEP_CUDA STREQUAL AUTO)
    if(NOT LOCKSTEP_NVCC)
      message(FATAL_ERROR "LOCKSTEP_CUDA=${LOCKSTEP_CUDA}: nvcc is not found: install the CUDA toolkit, or set LOCKSTEP_NVCC or PATH")
    endif()
    set(LOCKSTEP_WITH_CUDA ON)
    keep_buildable(${LOCKSTEP_NVCC} "${all_architectures}" CMAKE_CUDA_ARCHITECTURES)
  elseif(LOCKSTEP_NVCC AND cards)
    set(LOCKSTEP_WITH_CUDA ON)
    set(CMAKE_CUDA_ARCHITECTURES ${cards})
  elseif(LOCKSTEP_NVCC)
    message(STATUS
            "CUDA backend: off: nvcc is there, and no NVIDIA card of sm_75 or later; -DLOCKSTEP_CUDA=ON builds it for all cards")
  else()
    message(STATUS "CUDA backend: off: nvcc is not found; install the CUDA toolkit, then -DLOCKSTEP_CUDA=ON")
  endif()
endif()

if(LOCKSTEP_WITH_CUDA)
  if(LOCKSTEP_CUDA_ARCHITECTURES)
    set(CMAKE_CUDA_ARCHITECTURES ${LOCKSTEP_CUDA_ARCHITECTURES})
  endif()
  if(NOT CMAKE_CUDA_COMPILER)
    set(CMAKE_CUDA_COMPILER ${LOCKSTEP_NVCC})
  endif()
  enable_language(CUDA)
  find_package(CUDAToolkit REQUIRED)
  message(STATUS "CUDA backend: on, for ${CMAKE_CUDA_ARCHITECTURES}")
endif()
