# Compiler flags that the rooms share, as interface libraries:
#   sheaf_flags         warnings and include/: everything links it
#   sheaf_kernel_flags  in addition, what kernel code needs on the target (no FP registers, freestanding);
#                       natively, the host version of the port's headers
# Sanitizers and coverage hold for the whole native build, because mixed objects do not link.
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g") # without -DNDEBUG: a user program's assert() stays
if(SHEAF_TARGET)
  set(CMAKE_C_FLAGS_DEBUG "-Og -g3")
endif()

add_library(sheaf_flags INTERFACE)
target_include_directories(sheaf_flags INTERFACE ${CMAKE_SOURCE_DIR}/include)
target_compile_options(sheaf_flags INTERFACE
  $<$<COMPILE_LANGUAGE:C>:-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith>
  $<$<COMPILE_LANGUAGE:C>:-Wvla>
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}/=)
if(SHEAF_DEBUG)
  target_compile_definitions(sheaf_flags INTERFACE SHEAF_DEBUG=1)
endif()

add_library(sheaf_kernel_flags INTERFACE)
target_link_libraries(sheaf_kernel_flags INTERFACE sheaf_flags)
target_compile_definitions(sheaf_kernel_flags INTERFACE SHEAF_TRACE=$<BOOL:${SHEAF_TRACE}>)

if(SHEAF_TARGET)
  # -nostdinc hides glibc's headers, which the cross compiler would otherwise find.
  execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=include
    OUTPUT_VARIABLE SHEAF_COMPILER_INCLUDE OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  execute_process(COMMAND ${CMAKE_C_COMPILER} -print-libgcc-file-name
    OUTPUT_VARIABLE SHEAF_LIBGCC OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  target_include_directories(sheaf_kernel_flags INTERFACE ${CMAKE_SOURCE_DIR}/src/arch/arm64/include)
  target_compile_options(sheaf_kernel_flags INTERFACE
    -ffreestanding -mgeneral-regs-only -mstrict-align
    -nostdinc "SHELL:-isystem ${SHEAF_COMPILER_INCLUDE}")
else()
  target_include_directories(sheaf_kernel_flags INTERFACE ${CMAKE_SOURCE_DIR}/test/host/include)
  if(SHEAF_SANITIZE)
    add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
    add_link_options(-fsanitize=address,undefined)
  endif()
  if(SHEAF_COVERAGE)
    add_compile_options(--coverage)
    add_link_options(--coverage)
  endif()
endif()
