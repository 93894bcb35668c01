# SPDX-License-Identifier: Apache-2.0
#
# Run by `cmake --install`, because the paths in the unit depend on the prefix, which is known only then.
set(QCONFIG_BIN_DIR "${CMAKE_INSTALL_PREFIX}/${QCONFIG_BINDIR}")
set(QCONFIG_DOC_DIR "${CMAKE_INSTALL_PREFIX}/${QCONFIG_DOCDIR}")
if(CMAKE_INSTALL_PREFIX STREQUAL "/usr")
  set(QCONFIG_CONFIG_DIR /etc/qconfig)
else()
  set(QCONFIG_CONFIG_DIR "${CMAKE_INSTALL_PREFIX}/etc/qconfig")
endif()
configure_file("${QCONFIG_SOURCE}/systemd/qconfigd.service.in" "${QCONFIG_BUILD}/qconfigd.service" @ONLY)
file(INSTALL "${QCONFIG_BUILD}/qconfigd.service" DESTINATION "${CMAKE_INSTALL_PREFIX}/lib/systemd/system")
# Keep the operator's options. cpack installs to an empty directory, so the package always has the file.
if(NOT EXISTS "$ENV{DESTDIR}${QCONFIG_CONFIG_DIR}/qconfigd.conf")
  file(INSTALL "${QCONFIG_SOURCE}/qconfigd.conf" DESTINATION "${QCONFIG_CONFIG_DIR}")
endif()
