#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.hpp"
#include "cli/fault_text.hpp"
#include "cli/task.hpp"

namespace drover::cli {
namespace {

void run(Context& context, const std::string& text) {
    const auto task = client::retrieve_object(context.connection(), task_reference(text), {"info"});
    const auto info = task.object<vim::TaskInfo>("info");
    if (!info) throw client::LookupError("the server tells nothing about this task");
    Report report;
    report.add("id", "Reference", text_cell(task.object().id));
    report.add("name", "Task", text_cell(task_title(info)));
    report.add("entity", "On", text_cell(info.entityName().value_or("")));
    report.add("entity_id", "", text_cell(info.entity() ? info.entity()->id : ""));
    report.add("user", "User", text_cell(task_initiator(info)));
    report.add("state", "State", text_cell(vim::to_string(info.state())));
    report.add("progress", "Done", percent_cell(info.progress()));
    report.add("cancelable", "Cancelable", yes_no_cell(info.cancelable()));
    report.add("cancelled", "Cancelled", yes_no_cell(info.cancelled()));
    report.add("queue_time", "Queued", time_cell(info.queueTime()));
    report.add("start_time", "Started", time_cell(info.startTime()));
    report.add("complete_time", "Ended", time_cell(info.completeTime()));
    const vim::Value result = info.result();
    report.add("result_id", "Result",
               text_cell(result.kind() == vim::ValueKind::moref ? result.moref_id() : ""));
    const auto error = info.error();
    const bool failed = info.state() == vim::TaskInfoState::error;
    report.add("fault", "",
               text_cell(error && error.fault() ? vim::describe(error.fault().dynamic_type()).name()
                                                : ""));
    report.add("message", "Fault", text_cell(failed ? fault_text(client::task_fault(info)) : ""));
    context.print(report);
}

}  // namespace

void add_task_info(CLI::App& parent, Context& context) {
    auto* command = parent.add_subcommand("info", "Everything about one task");
    auto task = std::make_shared<std::string>();
    command->add_option("TASK", *task, "its reference, such as task-12")->required();
    command->callback([&context, task] { run(context, *task); });
}

}  // namespace drover::cli
