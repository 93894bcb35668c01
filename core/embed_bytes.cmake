# SPDX-License-Identifier: Apache-2.0

# Appends to the variable `out` the definition of a C++ array `name` with the bytes of `file`.
function(append_bytes out file name)
  file(READ "${file}" bytes HEX)
  string(REGEX REPLACE "(..)" "\\\\x\\1" bytes "${bytes}")
  set(${out}
      "${${out}}constexpr char ${name}[] =\n\"${bytes}\";\n\n"
      PARENT_SCOPE)
endfunction()
