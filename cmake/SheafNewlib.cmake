# newlib, the user programs' C library, from the distribution's newlib-source package. It is built once
# for each version, compiler and set of flags and kept outside the build tree, in SHEAF_CACHE, so that
# deleting a build tree does not cost the minute it takes. Target `newlib`; headers and libraries under
# SHEAF_NEWLIB_PREFIX.
set(SHEAF_CACHE ${CMAKE_SOURCE_DIR}/build/cache CACHE PATH "Where what survives a build tree is kept")
if(DEFINED ENV{SHEAF_CACHE})
  set(SHEAF_CACHE $ENV{SHEAF_CACHE})
endif()

file(GLOB archives /usr/src/newlib/newlib-*.tar.*)
list(SORT archives COMPARE NATURAL ORDER DESCENDING)
if(NOT archives)
  message(FATAL_ERROR "no newlib source in /usr/src/newlib: install the package newlib-source")
endif()
list(GET archives 0 newlib_archive)
string(REGEX REPLACE ".*/newlib-([0-9.]*[0-9])\\.tar.*" "\\1" newlib_version ${newlib_archive})

# -mstrict-align: a program may touch Device memory through memcpy-like compiled code.
# The rest of the code generation is the toolchain file's.
string(STRIP "${CMAKE_C_FLAGS}" stripped)
set(newlib_flags "-O2 -g -mstrict-align -D__DYNAMIC_REENT__ ${stripped}")
set(newlib_script ${CMAKE_SOURCE_DIR}/scripts/lib/build-newlib)
file(SHA256 ${newlib_script} script_hash)
string(SHA256 key "${newlib_version} ${CMAKE_C_COMPILER_VERSION} ${newlib_flags} ${script_hash}")
string(SUBSTRING ${key} 0 12 key)
set(newlib_root ${SHEAF_CACHE}/newlib-${newlib_version}-${key})
set(SHEAF_NEWLIB_PREFIX ${newlib_root}/aarch64-none-elf)

add_custom_command(OUTPUT ${newlib_root}/complete
  COMMAND ${newlib_script} --archive ${newlib_archive} --prefix ${newlib_root}
    --cross ${SHEAF_CROSS} --flags ${newlib_flags}
  DEPENDS ${newlib_script} ${newlib_archive}
  BYPRODUCTS ${SHEAF_NEWLIB_PREFIX}/lib/libc.a ${SHEAF_NEWLIB_PREFIX}/lib/libm.a
  COMMENT "newlib ${newlib_version} (about a minute, once)"
  USES_TERMINAL VERBATIM)
add_custom_target(newlib DEPENDS ${newlib_root}/complete)
