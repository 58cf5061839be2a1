# Compiler settings that every target shares.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")

# -O3 makes nothing here measurably faster, and compiles longer.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")

option(DROVER_FUZZERS "Build the libFuzzer targets (clang only)" OFF)
set(DROVER_SANITIZE "" CACHE STRING "Sanitizers for every target, e.g. address,undefined or thread")

add_library(drover_options INTERFACE)
target_compile_options(drover_options INTERFACE
    -Wall -Wextra -Wconversion -Wshadow -Werror
    -fstack-protector-strong -D_FORTIFY_SOURCE=2 -fvisibility=hidden -g1)
target_link_options(drover_options INTERFACE -fuse-ld=mold -Wl,-z,relro,-z,now)

if(DROVER_SANITIZE)
    target_compile_options(drover_options INTERFACE
        -fsanitize=${DROVER_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all
        -U_FORTIFY_SOURCE)
    target_link_options(drover_options INTERFACE -fsanitize=${DROVER_SANITIZE})
endif()

# Fuzz targets steer by what they cover, so the libraries are instrumented as well.
if(DROVER_FUZZERS)
    target_compile_options(drover_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

find_program(CCACHE ccache)
if(CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
