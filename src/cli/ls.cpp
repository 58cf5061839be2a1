#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.hpp"
#include "cli/context.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string path = "/";
    bool all_details = false;
};

bool has_children(vim::TypeId type) {
    return vim::is_a(type, vim::TypeId::Folder) || vim::is_a(type, vim::TypeId::Datacenter) ||
           vim::is_a(type, vim::TypeId::ComputeResource) ||
           vim::is_a(type, vim::TypeId::ResourcePool);
}

void run(Context& context, const Options& options) {
    auto& connection = context.connection();
    const auto at = client::walk(connection, options.path);
    std::vector<client::Named> entries;
    if (has_children(at.reference.type)) {
        entries = client::children(connection, at.reference);
    } else {
        entries.push_back(at);  // as ls shows a file
    }
    if (!options.all_details && !context.json()) {
        for (const auto& entry : entries) {
            context.say(has_children(entry.reference.type) ? entry.name + "/" : entry.name);
        }
        return;
    }
    Table table({{"name", "NAME"}, {"type", "TYPE"}, {"id", "REFERENCE"}, {"status", "STATUS"}});
    for (const auto& entry : entries) {
        const auto found = client::retrieve_object(connection, entry.reference, {"overallStatus"});
        table.add({text_cell(entry.name), text_cell(vim::describe(entry.reference.type).name()),
                   text_cell(entry.reference.id), text_cell(found.text("overallStatus"))});
    }
    context.print(table);
}

}  // namespace

void add_ls(CLI::App& parent, Context& context) {
    auto* command = parent.add_subcommand("ls", "The inventory, like directories of files");
    auto options = std::make_shared<Options>();
    command->add_option("PATH", options->path, "where to look")->capture_default_str();
    command->add_flag("-l,--long", options->all_details, "with type, reference and status");
    command->footer("\nExamples:\n  drover ls\n  drover ls -l /ha-datacenter/vm");
    command->callback([&context, options] { run(context, *options); });
}

}  // namespace drover::cli
