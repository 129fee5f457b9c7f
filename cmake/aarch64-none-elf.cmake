# Toolchain file: bare-metal AArch64 with the distribution's aarch64-linux-gnu GCC.
#
# That compiler is built for Linux: it defines __linux__, produces position-independent executables,
# calls a probe of glibc's for atomics, and on some distributions adds a stack protector and
# _FORTIFY_SOURCE. Each flag below takes one of those back. Headers come from the compiler's own
# directory (and newlib's, for user programs), never from /usr/aarch64-linux-gnu: see -nostdinc in
# cmake/SheafTarget.cmake.
set(CMAKE_SYSTEM_NAME Generic)
set(CMAKE_SYSTEM_PROCESSOR aarch64)

set(SHEAF_CROSS aarch64-linux-gnu- CACHE STRING "Prefix of the cross tools")
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES SHEAF_CROSS)
set(CMAKE_C_COMPILER ${SHEAF_CROSS}gcc)
set(CMAKE_ASM_COMPILER ${SHEAF_CROSS}gcc)
set(CMAKE_TRY_COMPILE_TARGET_TYPE STATIC_LIBRARY) # there is no C library to link a probe with yet

string(JOIN " " _sheaf_codegen
  -march=armv8-a
  -fno-pic -fno-pie
  -mno-outline-atomics
  -fno-stack-protector
  -U_FORTIFY_SOURCE
  -U__linux__ -U__linux -Ulinux -U__gnu_linux__ -U__unix__ -U__unix -Uunix
  -fno-omit-frame-pointer
  -fno-asynchronous-unwind-tables
  -ffunction-sections -fdata-sections)
set(CMAKE_C_FLAGS_INIT "${_sheaf_codegen}")
set(CMAKE_ASM_FLAGS_INIT "${_sheaf_codegen}")
set(CMAKE_EXE_LINKER_FLAGS_INIT
  "-nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,-z,norelro")

set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
