#pragma once

// The audit log: JSON lines in a file that is only appended to.

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/file.hpp"
#include "task/dispatcher.hpp"

namespace drover::service {

/// Thread-safe. What can't be written is told to the log once, and counted.
class AuditLog {
public:
    static constexpr std::string_view kFileName = "audit.jsonl";

    struct Limits {
        std::uint64_t bytes;  ///< of one file
        unsigned kept_files;  ///< old ones: "audit.jsonl.1" and so on
    };

    /// Makes the file (mode 0600) if there is none. Never throws: a host without room for an audit
    /// log still has to be reachable.
    AuditLog(const base::Clock& clock, std::filesystem::path path, Limits limits = {16 << 20, 10});
    ~AuditLog();
    AuditLog(const AuditLog&) = delete;
    AuditLog& operator=(const AuditLog&) = delete;

    /// Whether calls of a method are told: those that can change something, or open a way in.
    static bool wants(const vim::MethodDescriptor& method);

    /// A call that has ended; `fault` is why it was refused or failed, `result` what it gave.
    /// `name` is the object's, where it has one.
    void call(const task::Caller& caller, const vim::MoRef& self,
              const vim::MethodDescriptor& method, const vim::Value& request, std::string_view name,
              const vim::Value& result, const std::optional<vim::Fault>& fault);

    /// How a task has ended.
    void task_ended(const vim::TaskInfo& info);

    /// Something else, in words.
    void note(std::string_view text);

    std::uint64_t lost() const;

private:
    void append(std::string line);
    void open();
    void rotate();

    const base::Clock& clock_;
    const std::filesystem::path path_;
    const Limits limits_;
    mutable std::mutex mutex_;
    base::FileDescriptor descriptor_;
    std::uint64_t size_bytes_ = 0;
    std::uint64_t lost_ = 0;
};

}  // namespace drover::service
