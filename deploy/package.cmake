# SPDX-License-Identifier: Apache-2.0
#
# Read by cpack. Without dpkg-shlibdeps it would make a package that depends on nothing, and say nothing.
if(CPACK_GENERATOR STREQUAL "DEB")
  find_program(QCONFIG_SHLIBDEPS dpkg-shlibdeps NO_CACHE)
  if(NOT QCONFIG_SHLIBDEPS)
    message(FATAL_ERROR "the package needs dpkg-dev")
  endif()
endif()
