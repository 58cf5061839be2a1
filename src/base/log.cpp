#include "base/log.hpp"

#include <spdlog/sinks/dist_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <mutex>
#include <string>

#include "base/audit_sink.hpp"
#include "base/log_file.hpp"

namespace drover::base {
namespace {

constexpr const char* kPattern = "%Y-%m-%dT%H:%M:%S.%e%z %l %v";
constexpr std::uint64_t kLeastFileBytes = 4096;
constexpr unsigned kMostFiles = 1000;

// Standard error, and the log file once there is one.
spdlog::sinks::dist_sink_mt& sinks() {
    static const auto instance = std::make_shared<spdlog::sinks::dist_sink_mt>(
        std::vector<spdlog::sink_ptr>{std::make_shared<spdlog::sinks::stderr_sink_mt>()});
    static const auto logger = [] {
        auto made = std::make_shared<spdlog::logger>("drover", instance);
        spdlog::register_logger(made);
        return made;
    }();
    return *instance;
}

spdlog::logger& logger() {
    static auto instance = [] {
        sinks();
        auto made = spdlog::get("drover");
        made->set_pattern(kPattern);
        made->flush_on(spdlog::level::info);
        return made;
    }();
    return *instance;
}

spdlog::level::level_enum to_spdlog(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warning:
            return spdlog::level::warn;
        case LogLevel::error:
            return spdlog::level::err;
    }
    return spdlog::level::err;
}

struct AuditSink {
    std::mutex mutex;
    std::function<void(std::string_view)> take;
};

AuditSink& audit_sink() {
    static AuditSink sink;
    return sink;
}

std::string escaped(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            out += fmt::format("\\x{:02x}", byte);
        } else {
            out += c;
        }
    }
    return out;
}

}  // namespace

void set_log_level(LogLevel level) {
    logger().set_level(to_spdlog(level));
}

bool log_enabled(LogLevel level) {
    return logger().should_log(to_spdlog(level));
}

void set_log_file(const LogFile& file) {
    logger();
    try {
        std::filesystem::create_directories(file.path.parent_path());
        std::filesystem::permissions(file.path.parent_path(), std::filesystem::perms(0750));
        auto sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
            file.path.string(), std::max(file.limit_bytes, kLeastFileBytes),
            std::min(file.kept_files, kMostFiles));
        sink->set_pattern(kPattern);
        auto standard_error = std::make_shared<spdlog::sinks::stderr_sink_mt>();
        standard_error->set_pattern(kPattern);
        sinks().set_sinks({std::move(standard_error), std::move(sink)});
    } catch (const std::exception& error) {
        throw std::runtime_error(fmt::format("log file {}: {}", file.path.string(), error.what()));
    }
}

void set_audit_sink(std::function<void(std::string_view)> sink) {
    const std::lock_guard lock(audit_sink().mutex);
    audit_sink().take = std::move(sink);
}

void log_line(LogLevel level, std::string_view text) noexcept {
    try {
        logger().log(to_spdlog(level), "{}", escaped(text));
        if (!text.starts_with(kAuditPrefix)) return;
        AuditSink& sink = audit_sink();
        const std::lock_guard lock(sink.mutex);
        if (sink.take) sink.take(text.substr(kAuditPrefix.size()));
    } catch (...) {  // a log line must never take the program down
    }
}

}  // namespace drover::base
