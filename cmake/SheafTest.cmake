# Tests that CTest runs. Every test speaks TAP; scripts/lib/tap.py runs it, checks that its plan is
# complete and that it ends in time, and leaves the result of each single case in <build>/tap/, where
# scripts/test counts them.
find_package(Python3 3.9 REQUIRED COMPONENTS Interpreter)
set(SHEAF_TAP ${CMAKE_SOURCE_DIR}/scripts/lib/tap.py)

# add_sheaf_tap_test(NAME LABELS label... [TIMEOUT seconds] [SERIAL] COMMAND command...)
# A test whose command prints TAP on standard output.
function(add_sheaf_tap_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SERIAL" "TIMEOUT" "LABELS;COMMAND;ENVIRONMENT")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  math(EXPR backstop "${arg_TIMEOUT} + 20") # the runner's own limit comes first and says more
  add_test(NAME ${name} COMMAND ${Python3_EXECUTABLE} ${SHEAF_TAP} run --name ${name}
    --results ${CMAKE_BINARY_DIR}/tap --time-limit ${arg_TIMEOUT} -- ${arg_COMMAND})
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${backstop}
    ENVIRONMENT "${arg_ENVIRONMENT}")
  if(arg_SERIAL)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
  endif()
endfunction()

# add_sheaf_host_test(NAME SOURCES file... [LIBRARIES target...] [INCLUDES dir...] [DEFINITIONS def...]
#                     [ARGS arg...] [TIMEOUT seconds] [LABELS label...])
# A native cmocka program. The executable is called test_NAME, the test host.NAME; label `host`.
function(add_sheaf_host_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT" "SOURCES;LIBRARIES;INCLUDES;DEFINITIONS;ARGS;LABELS")
  if(SHEAF_TARGET)
    message(FATAL_ERROR "add_sheaf_host_test(${name}): host tests belong to the native build")
  endif()
  add_executable(test_${name} ${arg_SOURCES})
  set_property(GLOBAL APPEND PROPERTY SHEAF_HOST_TESTS test_${name})
  target_include_directories(test_${name} PRIVATE ${arg_INCLUDES})
  target_compile_definitions(test_${name} PRIVATE ${arg_DEFINITIONS})
  target_link_libraries(test_${name} PRIVATE sheaf_kernel_flags ${arg_LIBRARIES} cmocka)
  string(JOIN ";" environment
    "CMOCKA_MESSAGE_OUTPUT=TAP"
    "ASAN_OPTIONS=detect_leaks=1:abort_on_error=0"
    "UBSAN_OPTIONS=print_stacktrace=1")
  add_sheaf_tap_test(host.${name} LABELS host ${arg_LABELS} TIMEOUT ${arg_TIMEOUT}
    ENVIRONMENT ${environment} COMMAND $<TARGET_FILE:test_${name}> ${arg_ARGS})
endfunction()

# add_sheaf_target_test(NAME PROGRAM program [ARGS arg...] [BOOT direct|uboot] [MACHINE virt|raspi4b]
#                       [TIMEOUT seconds] [LABELS label...] [OPTIONS option...])
# Boots the kernel in QEMU with `run=PROGRAM -- ARGS`; the serial port prints TAP. OPTIONS go to
# scripts/lib/boot (see its --help), e.g. --pes 4. The test is called target.NAME; label `target`.
function(add_sheaf_target_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "PROGRAM;BOOT;MACHINE;TIMEOUT" "ARGS;LABELS;OPTIONS")
  if(NOT arg_BOOT)
    set(arg_BOOT direct)
  endif()
  if(NOT arg_MACHINE)
    set(arg_MACHINE virt)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  set(bootargs "run=${arg_PROGRAM}")
  if(arg_ARGS)
    string(JOIN " " words ${arg_ARGS})
    string(APPEND bootargs " -- ${words}")
  endif()
  add_sheaf_tap_test(target.${name} LABELS target ${arg_LABELS} TIMEOUT ${arg_TIMEOUT}
    COMMAND ${CMAKE_SOURCE_DIR}/scripts/lib/boot --build ${CMAKE_BINARY_DIR}
      --boot ${arg_BOOT} --machine ${arg_MACHINE} --with-test-programs --tap ${arg_OPTIONS}
      --bootargs ${bootargs})
endfunction()
