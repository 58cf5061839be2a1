#include <CLI/CLI.hpp>

#include "cli/commands.hpp"
#include "cli/context.hpp"

namespace drover::cli {

void add_about(CLI::App& parent, Context& context) {
    auto* command = parent.add_subcommand("about", "What the server is");
    command->callback([&context] {
        const auto& content = context.connection().content();
        const auto about = content.about();
        const auto release = context.connection().protocol().release();
        Report report;
        report.add("full_name", "Product", text_cell(about.fullName()));
        report.add("name", "", text_cell(about.name()));
        report.add("vendor", "Vendor", text_cell(about.vendor()));
        report.add("version", "Version", text_cell(about.version()));
        report.add("build", "Build", text_cell(about.build()));
        report.add("api_type", "Kind", text_cell(about.apiType()));
        report.add("api_version", "API version", text_cell(about.apiVersion()));
        report.add("spoken_release", "Spoken release", text_cell(vim::release_name(release)));
        report.add("instance_uuid", "Instance", text_cell(about.instanceUuid().value_or("")));
        context.print(report);
    });
}

}  // namespace drover::cli
