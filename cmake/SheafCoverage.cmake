# Target `coverage` (preset `coverage`): runs the host tests and reports what of src/ they reached. It
# fails where src/core has less than 95 % of its lines and 85 % of its branches; docs/testing.md lists
# what is not reached. The second branch of an assertion is no branch: no test may take it.
if(SHEAF_COVERAGE)
  find_program(GCOVR gcovr REQUIRED)
  include(ProcessorCount)
  ProcessorCount(processors)
  add_custom_target(coverage
    # What earlier runs have counted, perhaps of other sources, is forgotten.
    COMMAND find ${CMAKE_BINARY_DIR} -name "*.gcda" -delete
    COMMAND ${CMAKE_CTEST_COMMAND} --test-dir ${CMAKE_BINARY_DIR} -L "^host$" -LE "^long$" -j ${processors}
      --output-on-failure
    COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_BINARY_DIR}/coverage
    COMMAND ${GCOVR} --root ${CMAKE_SOURCE_DIR} --filter "${CMAKE_SOURCE_DIR}/src/"
      --print-summary --txt ${CMAKE_BINARY_DIR}/coverage/summary.txt
      --html-details ${CMAKE_BINARY_DIR}/coverage/index.html ${CMAKE_BINARY_DIR}
    COMMAND ${CMAKE_COMMAND} -E cat ${CMAKE_BINARY_DIR}/coverage/summary.txt
    COMMAND ${GCOVR} --root ${CMAKE_SOURCE_DIR} --filter "${CMAKE_SOURCE_DIR}/src/core/"
      --exclude-branches-by-pattern ".*ASSERT[(].*" --print-summary
      --txt ${CMAKE_BINARY_DIR}/coverage/core.txt
      --fail-under-line 95 --fail-under-branch 85 ${CMAKE_BINARY_DIR}
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR}
    USES_TERMINAL VERBATIM)
  get_property(tests GLOBAL PROPERTY SHEAF_HOST_TESTS)
  if(tests)
    add_dependencies(coverage ${tests})
  endif()
endif()
