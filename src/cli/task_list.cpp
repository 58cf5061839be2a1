#include <CLI/CLI.hpp>

#include "cli/commands.hpp"
#include "cli/task.hpp"

namespace drover::cli {
namespace {

void run(Context& context) {
    auto& connection = context.connection();
    const auto manager = client::required(connection.content().taskManager(), "taskManager");
    const auto recent = client::retrieve_object(connection, manager, {"recentTask"});
    Table table({{"id", "ID"},
                 {"name", "TASK"},
                 {"entity", "ON"},
                 {"state", "STATE"},
                 {"progress", "DONE"},
                 {"queue_time", "QUEUED (UTC)"},
                 {"complete_time", ""},
                 {"user", "USER"},
                 {"fault", ""},
                 {"message", ""}});
    for (const auto& task : client::retrieve_objects(connection, vim::TypeId::Task,
                                                     recent.references("recentTask"), {"info"})) {
        const auto info = task.object<vim::TaskInfo>("info");
        if (!info) continue;
        const auto error = info.error();
        table.add(
            {text_cell(task.object().id), text_cell(task_title(info)),
             text_cell(info.entityName().value_or("")), text_cell(vim::to_string(info.state())),
             percent_cell(info.progress()), time_cell(info.queueTime()),
             time_cell(info.completeTime()), text_cell(task_initiator(info)),
             text_cell(error && error.fault() ? vim::describe(error.fault().dynamic_type()).name()
                                              : ""),
             text_cell(error ? error.localizedMessage().value_or("") : "")});
    }
    context.print(table);
}

}  // namespace

void add_task_list(CLI::App& parent, Context& context) {
    auto* command = parent.add_subcommand("list", "Tasks that run, wait or ended lately");
    command->callback([&context] { run(context); });
}

}  // namespace drover::cli
