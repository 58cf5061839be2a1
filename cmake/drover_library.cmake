# One function for every library of src/: the sources are the directory's, the tests stand beside
# them, and a library sees the headers of just those libraries that it names.
#
#   drover_library(storage DEPS base vmx PRIVATE OpenSSL::Crypto RECURSE)
#
# * *.cpp                      the library
# * *_test.cpp                 one GoogleTest program <name>_test, known to ctest
# * *_bench.cpp                one Google Benchmark program <name>_bench
# * *_fuzz.cpp                 one libFuzzer program each (with -DDROVER_FUZZERS=ON)
# DEPS are drover libraries or public third-party targets, PRIVATE those that no header shows,
# TEST_DEPS only for tests. RECURSE takes sub-directories along; SOURCES adds generated files.
#
# Headers are included as "storage/datastore.hpp". Each library has an include root of its own that
# holds a single link to its directory, so an include that the link graph does not allow does not
# compile.
function(drover_library name)
    cmake_parse_arguments(ARG "RECURSE" "" "DEPS;PRIVATE;TEST_DEPS;SOURCES;TEST_DEFINITIONS"
        ${ARGN})
    if(ARG_RECURSE)
        file(GLOB_RECURSE all CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
    else()
        file(GLOB all CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
    endif()
    set(tests ${all})
    set(benches ${all})
    set(fuzzers ${all})
    list(FILTER tests INCLUDE REGEX "_test\\.cpp$")
    list(FILTER benches INCLUDE REGEX "_bench\\.cpp$")
    list(FILTER fuzzers INCLUDE REGEX "_fuzz\\.cpp$")
    list(FILTER all EXCLUDE REGEX "_(test|bench|fuzz)\\.cpp$")
    list(APPEND all ${ARG_SOURCES})

    set(root "${CMAKE_BINARY_DIR}/include/${name}")
    file(MAKE_DIRECTORY "${root}")
    file(CREATE_LINK "${CMAKE_CURRENT_SOURCE_DIR}" "${root}/${name}" SYMBOLIC)

    if(all)
        add_library(${name} STATIC ${all})
        target_link_libraries(${name} PUBLIC drover_options ${ARG_DEPS} PRIVATE ${ARG_PRIVATE})
        target_include_directories(${name} PUBLIC "${root}")
    else()
        add_library(${name} INTERFACE)
        target_link_libraries(${name} INTERFACE drover_options ${ARG_DEPS})
        target_include_directories(${name} INTERFACE "${root}")
    endif()

    if(tests)
        find_package(GTest REQUIRED)
        add_executable(${name}_test ${tests})
        target_link_libraries(${name}_test PRIVATE ${name} ${ARG_PRIVATE} ${ARG_TEST_DEPS}
            GTest::gmock GTest::gtest_main)
        target_compile_definitions(${name}_test PRIVATE ${ARG_TEST_DEFINITIONS})
        add_test(NAME ${name} COMMAND ${name}_test)
        set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 600)
    endif()
    if(benches)
        find_package(benchmark REQUIRED)
        add_executable(${name}_bench ${benches})
        target_link_libraries(${name}_bench PRIVATE ${name} ${ARG_PRIVATE} ${ARG_TEST_DEPS}
            benchmark::benchmark_main)
    endif()
    if(DROVER_FUZZERS)
        foreach(fuzzer ${fuzzers})
            get_filename_component(target ${fuzzer} NAME_WE)
            add_executable(${target} ${fuzzer})
            target_compile_options(${target} PRIVATE -fsanitize=fuzzer)
            target_link_options(${target} PRIVATE -fsanitize=fuzzer)
            target_link_libraries(${target} PRIVATE ${name} ${ARG_PRIVATE})
        endforeach()
    endif()
endfunction()
