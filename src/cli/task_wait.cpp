#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.hpp"
#include "cli/task.hpp"

namespace drover::cli {

void add_task_wait(CLI::App& parent, Context& context) {
    auto* command = parent.add_subcommand("wait", "Wait for tasks; fails if one of them does");
    auto tasks = std::make_shared<std::vector<std::string>>();
    command->add_option("TASK", *tasks, "references, such as task-12")->required();
    command->callback([&context, tasks] {
        context.options.async = false;
        std::vector<Job> jobs;
        for (const auto& text : *tasks) {
            jobs.push_back({text, [reference = task_reference(text)] { return reference; }});
        }
        run_jobs(context, "done", jobs);
    });
}

}  // namespace drover::cli
