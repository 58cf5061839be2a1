#include "cli/task.hpp"

namespace drover::cli {

vim::MoRef task_reference(const std::string& text) {
    std::string id = text.starts_with("Task:") ? text.substr(5) : text;
    if (id.empty() || id.size() > 256) throw UsageError("task: the reference is empty or too long");
    return {vim::TypeId::Task, std::move(id)};
}

std::string task_title(const vim::TaskInfo& info) {
    std::string title(info.descriptionId());
    if (title.empty()) title = info.name().value_or("");
    return title;
}

std::string task_initiator(const vim::TaskInfo& info) {
    if (const auto user = info.reason().as<vim::TaskReasonUser>()) {
        return std::string(user.userName());
    }
    return info.reason().is<vim::TaskReasonSystem>() ? "system" : "";
}

}  // namespace drover::cli
