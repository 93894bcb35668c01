# SPDX-License-Identifier: Apache-2.0
#
# cpack reads this file. Without dpkg-shlibdeps, cpack would silently create a package without dependencies.
if(CPACK_GENERATOR STREQUAL "DEB")
  find_program(QCONFIG_SHLIBDEPS dpkg-shlibdeps NO_CACHE)
  if(NOT QCONFIG_SHLIBDEPS)
    message(FATAL_ERROR "Creating the Debian package needs dpkg-shlibdeps. Install the package dpkg-dev.")
  endif()
endif()
