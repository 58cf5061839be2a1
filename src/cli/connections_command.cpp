#include <CLI/CLI.hpp>

#include "cli/commands.hpp"
#include "cli/connections.hpp"
#include "cli/context.hpp"

namespace drover::cli {

void add_connections(CLI::App& parent, Context& context) {
    auto* command = parent.add_subcommand("connections", "The servers you have logged in to");
    command->callback([&context] {
        const auto stored = load_connections(connections_file());
        Table table({{"name", "NAME"},
                     {"url", "URL"},
                     {"user", "USER"},
                     {"logged_in", "LOGGED IN"},
                     {"current", "CURRENT"}});
        for (const auto& [name, each] : stored.by_name) {
            table.add({text_cell(name), text_cell(each.url), text_cell(each.user),
                       yes_no_cell(!each.cookie.empty()), yes_no_cell(name == stored.current)});
        }
        context.print(table);
    });
}

}  // namespace drover::cli
