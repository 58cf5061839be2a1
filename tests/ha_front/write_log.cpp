#include "write_log.hpp"

#include <cerrno>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

namespace drover::ha_front {

namespace {

using Json = nlohmann::ordered_json;

std::string hexadecimal(std::string_view bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (const char each : bytes) {
        const auto byte = static_cast<unsigned char>(each);
        text += kDigits[byte >> 4U];
        text += kDigits[byte & 15U];
    }
    return text;
}

// The process of a thread, and what it calls itself; it waits for us, unless it was a helper's.
std::pair<int, std::string> process_of(int thread) {
    std::ifstream status("/proc/" + std::to_string(thread) + "/status");
    std::string line;
    std::string name;
    while (std::getline(status, line)) {
        if (line.starts_with("Name:\t")) name = line.substr(6);
        if (line.starts_with("Tgid:\t")) return {std::stoi(line.substr(6)), name};
    }
    return {0, {}};
}

}  // namespace

std::int64_t monotonic_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

WriteLog::WriteLog(const std::string& path, std::string host)
    : host_(std::move(host)), file_(std::fopen(path.c_str(), "ae")) {
    if (file_ == nullptr) throw std::system_error(errno, std::generic_category(), "open " + path);
}

WriteLog::~WriteLog() {
    std::fclose(file_);
}

void WriteLog::add(const Change& change) {
    const auto over = monotonic_ns();
    const auto [process, name] = process_of(change.thread);
    Json json{{"op", change.what},     {"host", host_},
              {"path", change.path},   {"t0", change.arrived_ns},
              {"t1", change.began_ns}, {"t2", over},
              {"error", change.error}, {"pid", process},
              {"tid", change.thread},  {"by", name}};
    if (change.bytes != 0) {
        json["offset"] = change.offset;
        json["bytes"] = change.bytes;
    }
    if (!change.from.empty()) json["from"] = change.from;
    if (!change.record.empty()) json["record"] = hexadecimal(change.record);
    const auto line = json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
    const std::lock_guard lock(mutex_);
    std::fwrite(line.data(), 1, line.size(), file_);
    std::fflush(file_);
}

}  // namespace drover::ha_front
