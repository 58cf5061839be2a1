#pragma once

#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>
#include <string_view>

namespace drover::ha_front {

/// Nanoseconds of CLOCK_MONOTONIC, which all hosts of the machine share.
std::int64_t monotonic_ns();

/// Something that changed the storage, or was to change it.
struct Change {
    std::string_view what;  ///< write, link, create, rename, unlink, truncate, allocate
    std::string_view path;
    std::int64_t arrived_ns = 0;  ///< the request came
    std::int64_t began_ns = 0;    ///< it began to be done; 0: it was not
    std::int64_t offset = 0;
    std::uint64_t bytes = 0;
    int error = 0;
    int thread = 0;             ///< who asked, as the machine numbers it
    std::string_view from{};    ///< link, rename: the other name
    std::string_view record{};  ///< what was written, as far as it is of interest; any bytes
};

/// One line of JSON for every change. For any thread.
class WriteLog {
public:
    /// Appends to the file. Throws std::system_error.
    WriteLog(const std::string& path, std::string host);
    ~WriteLog();
    WriteLog(const WriteLog&) = delete;
    WriteLog& operator=(const WriteLog&) = delete;

    /// Logs what is over by now.
    void add(const Change& change);

private:
    std::string host_;
    std::mutex mutex_{};
    std::FILE* file_;
};

}  // namespace drover::ha_front
