#include <CLI/CLI.hpp>

#include "cli/commands.hpp"
#include "cli/context.hpp"

namespace drover::cli {
namespace {

void run(Context& context) {
    const auto datastores =
        client::retrieve(context.connection(), vim::TypeId::Datastore, {"name", "summary", "vm"});
    Table table({{"name", "NAME"},
                 {"id", ""},
                 {"type", "TYPE"},
                 {"accessible", "ACCESSIBLE"},
                 {"capacity_bytes", "CAPACITY"},
                 {"free_bytes", "FREE"},
                 {"vms", "VMS"},
                 {"url", "URL"}});
    for (const auto& datastore : datastores) {
        const auto summary = datastore.object<vim::DatastoreSummary>("summary");
        if (!summary) continue;
        table.add({text_cell(datastore.text("name")), text_cell(datastore.object().id),
                   text_cell(summary.type()), yes_no_cell(summary.accessible()),
                   bytes_cell(summary.capacity()), bytes_cell(summary.freeSpace()),
                   number_cell(static_cast<std::int64_t>(datastore.references("vm").size())),
                   text_cell(summary.url())});
    }
    table.sort_by(0);
    context.print(table);
}

}  // namespace

void add_datastore_list(CLI::App& parent, Context& context) {
    auto* command = parent.add_subcommand("list", "All datastores");
    command->callback([&context] { run(context); });
}

}  // namespace drover::cli
