#include "service/audit/audit_log.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <nlohmann/json.hpp>

#include "base/audit_sink.hpp"
#include "base/log.hpp"
#include "service/audit/audited_call.hpp"

namespace drover::service {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

constexpr std::size_t kMostTextBytes = 2048;

std::string text_of(const Json& line) {
    // Bytes that are no UTF-8 are replaced: whatever was sent, the line can be read.
    return line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

AuditLog::AuditLog(const base::Clock& clock, fs::path path, Limits limits)
    : clock_(clock), path_(std::move(path)), limits_(limits) {
    std::error_code ignored;
    fs::create_directories(path_.parent_path(), ignored);
    open();
    base::set_audit_sink([this](std::string_view line) { note(line); });
}

AuditLog::~AuditLog() {
    base::set_audit_sink({});
}

void AuditLog::open() {
    descriptor_ = base::FileDescriptor(
        ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    struct stat status{};
    size_bytes_ = descriptor_ && ::fstat(descriptor_.get(), &status) == 0
                      ? static_cast<std::uint64_t>(status.st_size)
                      : 0;
}

void AuditLog::rotate() {
    const auto numbered = [this](unsigned number) {
        return fs::path(fmt::format("{}.{}", path_.string(), number));
    };
    std::error_code ignored;
    for (unsigned number = limits_.kept_files; number > 1; --number) {
        fs::rename(numbered(number - 1), numbered(number), ignored);
    }
    fs::rename(path_, numbered(1), ignored);
    open();
}

void AuditLog::append(std::string line) {
    const std::lock_guard lock(mutex_);
    if (size_bytes_ > 0 && size_bytes_ + line.size() > limits_.bytes) rotate();
    if (!descriptor_) open();
    // One write for each line: a line is there or not, but never half of it between others.
    const ssize_t written =
        descriptor_ ? ::write(descriptor_.get(), line.data(), line.size()) : ssize_t{-1};
    if (written == static_cast<ssize_t>(line.size())) {
        size_bytes_ += line.size();
        return;
    }
    if (lost_++ == 0) {
        base::log_error("the audit log {} can't be written: {}", path_.string(),
                        std::generic_category().message(errno));
    }
}

std::uint64_t AuditLog::lost() const {
    const std::lock_guard lock(mutex_);
    return lost_;
}

bool AuditLog::wants(const vim::MethodDescriptor& method) {
    return is_audited(method);
}

void AuditLog::call(const task::Caller& caller, const vim::MoRef& self,
                    const vim::MethodDescriptor& method, const vim::Value& request,
                    std::string_view name, const vim::Value& result,
                    const std::optional<vim::Fault>& fault) {
    Json line;
    line["time"] = base::format_time(clock_.wall_now());
    line["user"] = caller.user;
    line["from"] = caller.remote_address;
    if (!caller.session_key.empty()) line["session"] = caller.session_key;
    line["method"] = method.name();
    line["object"] = fmt::format("{}:{}", vim::describe(self.type).name(), self.id);
    if (!name.empty()) line["name"] = name;
    Json parameters = audited_parameters(request);
    if (!parameters.empty()) line["parameters"] = std::move(parameters);
    if (fault) {
        line["result"] = vim::describe(fault->fault().raw().type()).name();
        line["reason"] = std::string(fault->message()).substr(0, kMostTextBytes);
    } else {
        line["result"] = "ok";
        if (result.kind() == vim::ValueKind::moref) line["gave"] = result.moref_id();
    }
    append(text_of(line));
}

void AuditLog::task_ended(const vim::TaskInfo& info) {
    Json line;
    line["time"] = base::format_time(clock_.wall_now());
    if (const auto reason = info.reason().as<vim::TaskReasonUser>()) {
        line["user"] = reason.userName();
    }
    line["task"] = info.key();
    line["description"] = info.descriptionId();
    if (const auto entity = info.entity()) {
        line["object"] = fmt::format("{}:{}", vim::describe(entity->type).name(), entity->id);
    }
    if (const auto name = info.entityName()) line["name"] = *name;
    const vim::LocalizedMethodFault error = info.error();
    if (info.state() == vim::TaskInfoState::success || !error || !error.fault()) {
        line["result"] = info.state() == vim::TaskInfoState::success ? "ok" : "error";
    } else {
        line["result"] = vim::describe(error.fault().raw().type()).name();
        line["reason"] =
            std::string(error.localizedMessage().value_or("")).substr(0, kMostTextBytes);
    }
    append(text_of(line));
}

void AuditLog::note(std::string_view text) {
    Json line;
    line["time"] = base::format_time(clock_.wall_now());
    line["note"] = text.substr(0, kMostTextBytes);
    append(text_of(line));
}

}  // namespace drover::service
