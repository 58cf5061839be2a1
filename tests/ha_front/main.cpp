// ha-front: one host's way to a shared directory, which can be told to fail.
//
//     ha-front --source DIR --mount DIR --host NAME --log FILE --control SOCKET --watchdog PIPE
//              [--cached yes]

#include <cstdio>
#include <exception>
#include <map>
#include <string>

#include "control.hpp"
#include "faults.hpp"
#include "file_system.hpp"
#include "power.hpp"
#include "write_log.hpp"

namespace {

int usage() {
    std::fputs(
        "usage: ha-front --source DIR --mount DIR --host NAME --log FILE --control SOCKET "
        "--watchdog PIPE [--cached yes]\n",
        stderr);
    return 2;
}

}  // namespace

int main(int count, char** words) {
    std::map<std::string, std::string> given;
    for (int at = 1; at < count; ++at) {
        const std::string word = words[at];
        if (word.starts_with("--") && at + 1 < count) {
            given[word.substr(2)] = words[++at];
        } else {
            return usage();
        }
    }
    for (const char* needed : {"source", "mount", "host", "log", "control", "watchdog"}) {
        if (!given.contains(needed)) return usage();
    }
    try {
        using namespace drover::ha_front;
        Faults faults;
        WriteLog log(given["log"], given["host"]);
        Power power(faults, given["watchdog"]);
        const Control control(given["control"], faults, power);
        return run_file_system({given["source"], given["mount"], given["cached"] == "yes"}, faults,
                               log);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "ha-front: %s\n", error.what());
        return 1;
    }
}
