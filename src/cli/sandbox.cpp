#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include "cli/commands.hpp"
#include "cli/context.hpp"

namespace drover::cli {
namespace {

namespace fs = std::filesystem;

// Installed beside us, else where we were built from.
fs::path find_tool(const fs::path& programs) {
    std::error_code ignored;
    for (const fs::path& place : {programs / "../share/drover/sandbox/drover-sandbox",
                                  fs::path(DROVER_SOURCE_DIRECTORY "/sandbox/drover-sandbox")}) {
        if (fs::is_regular_file(place, ignored)) return place.lexically_normal();
    }
    return {};
}

}  // namespace

void add_sandbox(CLI::App& parent) {
    // Only for the help: run() hands the real thing over before anything is parsed.
    parent.add_subcommand("sandbox", "Several hosts on this machine, to try things out");
}

int run_sandbox(int count, char** arguments) {
    std::error_code error;
    const fs::path programs = fs::read_symlink("/proc/self/exe", error).parent_path();
    const fs::path tool = find_tool(programs);
    if (tool.empty()) {
        fmt::print(stderr, "drover: the sandbox tool is not installed\n");
        return ExitCode::failed;
    }
    ::setenv("DROVER_BIN_DIR", programs.c_str(), 0);
    std::string path = tool.string();
    std::vector<char*> list{path.data()};
    list.insert(list.end(), arguments, arguments + count);
    list.push_back(nullptr);
    ::execv(path.c_str(), list.data());
    fmt::print(stderr, "drover: {}: {}\n", path, std::strerror(errno));
    return ExitCode::failed;
}

}  // namespace drover::cli
