# Building for the target: newlib, user programs, the kernel with its symbol table.
include(SheafNewlib)

set(SHEAF_BIN ${CMAKE_BINARY_DIR}/bin)
set(SHEAF_RAMDISK ${CMAKE_BINARY_DIR}/ramdisk)
set(SHEAF_RAMDISK_TEST ${CMAKE_BINARY_DIR}/ramdisk-test)
set(SHEAF_RAMDISK_BENCH ${CMAKE_BINARY_DIR}/ramdisk-bench)
file(MAKE_DIRECTORY ${SHEAF_BIN} ${SHEAF_RAMDISK} ${SHEAF_RAMDISK_TEST} ${SHEAF_RAMDISK_BENCH})
set(SHEAF_USER_LINKER_SCRIPT ${CMAKE_SOURCE_DIR}/src/user/lib/user.lds)

# sheaf_user_flags: how a user program is compiled, against newlib and the ABI. The same options must
# have compiled newlib itself where they change the ABI: __DYNAMIC_REENT__ makes each thread's
# reentrancy structure come from __getreent().
add_library(sheaf_user_flags INTERFACE)
target_include_directories(sheaf_user_flags INTERFACE ${CMAKE_SOURCE_DIR}/src/user/lib/include)
target_compile_definitions(sheaf_user_flags INTERFACE __DYNAMIC_REENT__)
target_compile_options(sheaf_user_flags INTERFACE
  -nostdinc "SHELL:-isystem ${SHEAF_NEWLIB_PREFIX}/include" "SHELL:-isystem ${SHEAF_COMPILER_INCLUDE}"
  -ftls-model=local-exec)

# A library of user space (or an object of it): its sources see newlib's headers, so newlib is built first.
function(sheaf_user_library target)
  target_link_libraries(${target} PUBLIC sheaf_flags sheaf_user_flags)
  add_dependencies(${target} newlib)
endfunction()

# add_sheaf_program(NAME source... [TEST | BENCH] [LIBRARIES target...])
# A user program, linked with src/user/lib (target sheaf_user, which also holds _start) and newlib.
# The ELF with its symbols goes to <build>/bin/NAME, a stripped copy to <build>/ramdisk/NAME; with TEST
# to <build>/ramdisk-test/NAME, with BENCH to <build>/ramdisk-bench/NAME, which are added to the RAM disk
# only when tests or benchmarks are booted.
function(add_sheaf_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "TEST;BENCH" "" "LIBRARIES")
  set(target program_${name})
  add_executable(${target} ${arg_UNPARSED_ARGUMENTS})
  set_target_properties(${target} PROPERTIES OUTPUT_NAME ${name} SUFFIX ""
    RUNTIME_OUTPUT_DIRECTORY ${SHEAF_BIN}
    LINK_DEPENDS "${SHEAF_USER_LINKER_SCRIPT};${SHEAF_NEWLIB_PREFIX}/lib/libc.a")
  add_dependencies(${target} newlib)
  target_link_libraries(${target} PRIVATE sheaf_flags sheaf_user_flags
    -Wl,--start-group ${arg_LIBRARIES} sheaf_user
    ${SHEAF_NEWLIB_PREFIX}/lib/libc.a ${SHEAF_NEWLIB_PREFIX}/lib/libm.a ${SHEAF_LIBGCC} -Wl,--end-group)
  target_link_options(${target} PRIVATE -T ${SHEAF_USER_LINKER_SCRIPT} -Wl,-u,_start -Wl,--gc-sections)
  set(place ${SHEAF_RAMDISK})
  if(arg_TEST)
    set(place ${SHEAF_RAMDISK_TEST})
  elseif(arg_BENCH)
    set(place ${SHEAF_RAMDISK_BENCH})
  endif()
  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND ${CMAKE_STRIP} -o ${place}/${name} $<TARGET_FILE:${target}>
    BYPRODUCTS ${place}/${name} VERBATIM)
endfunction()

# add_sheaf_kernel(NAME SOURCES file... LIBRARIES target... LINKER_SCRIPT file [IMAGE_START symbol])
# Links <build>/NAME.elf and copies it to <build>/NAME.img. Linked twice: the symbol table that the
# panic's backtrace prints from (include/symbols.h) is generated from the first link, where it is
# empty; scripts/lib/symbols.py then checks that the second link moved no function.
# IMAGE_START (default _start) is the symbol that offsets are counted from.
function(add_sheaf_kernel name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LINKER_SCRIPT;IMAGE_START" "SOURCES;LIBRARIES")
  if(NOT arg_IMAGE_START)
    set(arg_IMAGE_START _start)
  endif()
  set(generator ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/scripts/lib/symbols.py)
  set(empty ${CMAKE_CURRENT_BINARY_DIR}/symbols_empty.S)
  set(table ${CMAKE_CURRENT_BINARY_DIR}/symbols.S)
  set(check --nm ${CMAKE_NM} --start ${arg_IMAGE_START})

  add_library(${name}_objects OBJECT ${arg_SOURCES})
  target_link_libraries(${name}_objects PUBLIC sheaf_kernel_flags ${arg_LIBRARIES})
  add_custom_command(OUTPUT ${empty} COMMAND ${generator} empty ${empty}
    DEPENDS ${CMAKE_SOURCE_DIR}/scripts/lib/symbols.py VERBATIM)
  add_custom_command(OUTPUT ${table}
    COMMAND ${generator} table ${check} $<TARGET_FILE:${name}_first> ${table}
    DEPENDS ${name}_first ${CMAKE_SOURCE_DIR}/scripts/lib/symbols.py VERBATIM)
  add_executable(${name}_first ${empty})
  add_executable(${name} ${table})
  foreach(target ${name}_first ${name})
    target_link_libraries(${target} PRIVATE ${name}_objects ${arg_LIBRARIES} ${SHEAF_LIBGCC})
    target_link_options(${target} PRIVATE -T ${arg_LINKER_SCRIPT}
      -Wl,--gc-sections -Wl,--no-warn-rwx-segments -Wl,-z,noexecstack)
    set_target_properties(${target} PROPERTIES LINK_DEPENDS ${arg_LINKER_SCRIPT})
  endforeach()
  set_target_properties(${name}_first PROPERTIES SUFFIX .elf)
  set_target_properties(${name} PROPERTIES SUFFIX .elf RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
  add_custom_command(TARGET ${name} POST_BUILD
    COMMAND ${generator} check ${check} $<TARGET_FILE:${name}> ${table}
    COMMAND ${CMAKE_OBJCOPY} -O binary $<TARGET_FILE:${name}> ${CMAKE_BINARY_DIR}/${name}.img
    BYPRODUCTS ${CMAKE_BINARY_DIR}/${name}.img VERBATIM)
endfunction()

# What scripts/lib/compile-app needs to build a program outside this tree exactly like those inside it.
string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/app.flags CONTENT
"compiler='${CMAKE_C_COMPILER}'
strip='${CMAKE_STRIP}'
compile='${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${build_type}} -std=gnu17 -Wall -D__DYNAMIC_REENT__ -nostdinc -ftls-model=local-exec'
includes='${CMAKE_SOURCE_DIR}/include:${CMAKE_SOURCE_DIR}/src/user/lib/include:${SHEAF_NEWLIB_PREFIX}/include:${SHEAF_COMPILER_INCLUDE}'
link='${CMAKE_EXE_LINKER_FLAGS} -Wl,-u,_start -Wl,--gc-sections'
linker_script='${SHEAF_USER_LINKER_SCRIPT}'
user_library='$<$<TARGET_EXISTS:sheaf_user>:$<TARGET_FILE:sheaf_user>>'
newlib='${SHEAF_NEWLIB_PREFIX}/lib'
libgcc='${SHEAF_LIBGCC}'
")
