# SPDX-License-Identifier: Apache-2.0
#
# Read by cpack. Without dpkg-shlibdeps, cpack silently makes a package without dependencies.
if(CPACK_GENERATOR STREQUAL "DEB")
  find_program(QCONFIG_SHLIBDEPS dpkg-shlibdeps NO_CACHE)
  if(NOT QCONFIG_SHLIBDEPS)
    message(FATAL_ERROR "cpack -G DEB needs dpkg-shlibdeps. Type: apt-get install dpkg-dev")
  endif()
endif()
