#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.hpp"
#include "cli/task.hpp"

namespace drover::cli {

void add_task_cancel(CLI::App& parent, Context& context) {
    auto* command = parent.add_subcommand("cancel", "Ask a task to stop");
    auto task = std::make_shared<std::string>();
    command->add_option("TASK", *task, "its reference, such as task-12")->required();
    command->callback([&context, task] {
        context.connection().call("CancelTask", task_reference(*task));
        if (!context.json()) return context.say(fmt::format("{}: asked to stop", *task));
        Report report;
        report.add("id", "", text_cell(*task));
        report.add("state", "", text_cell("asked"));
        context.print(report);
    });
}

}  // namespace drover::cli
