#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/perm.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string name;
    std::string new_name;
    std::vector<std::string> privileges;
    bool force = false;
};

void list(Context& context, const Options&) {
    Table table({{"name", "ROLE"},
                 {"label", "LABEL"},
                 {"system", "BUILT IN"},
                 {"privilege_count", "PRIVILEGES"},
                 {"id", ""},
                 {"privileges", ""}});
    for (const auto& role : all_roles(context.connection())) {
        std::vector<std::string> privileges;
        for (const auto id : role.privilege()) privileges.emplace_back(id);
        const auto info = role.info();
        table.add(
            {text_cell(role.name()), text_cell(info ? std::string(info.label()) : std::string()),
             yes_no_cell(role.system()), number_cell(static_cast<std::int64_t>(privileges.size())),
             number_cell(role.roleId()), list_cell(privileges)});
    }
    context.print(table);
}

void show(Context& context, const Options& options) {
    const auto role = find_role(context.connection(), options.name);
    Table table({{"privilege", "PRIVILEGE"}});
    for (const auto id : role.privilege()) table.add({text_cell(id)});
    context.print(table);
}

std::vector<std::string_view> views(const std::vector<std::string>& texts) {
    return {texts.begin(), texts.end()};
}

void add(Context& context, const Options& options) {
    auto request = vim::AddAuthorizationRoleRequest::make();
    request.set_name(options.name);
    request.set_privIds(views(options.privileges));
    auto& connection = context.connection();
    connection.call("AddAuthorizationRole", authorization_manager(connection), request);
    context.say(fmt::format("{}: made", options.name));
}

void update(Context& context, const Options& options) {
    auto& connection = context.connection();
    const auto role = find_role(connection, options.name);
    auto request = vim::UpdateAuthorizationRoleRequest::make();
    request.set_roleId(role.roleId());
    request.set_newName(options.new_name.empty() ? role.name()
                                                 : std::string_view(options.new_name));
    request.set_privIds(options.privileges.empty() ? role.privilege().to_vector()
                                                   : views(options.privileges));
    connection.call("UpdateAuthorizationRole", authorization_manager(connection), request);
    context.say(fmt::format("{}: changed", options.name));
}

void remove(Context& context, const Options& options) {
    auto& connection = context.connection();
    auto request = vim::RemoveAuthorizationRoleRequest::make();
    request.set_roleId(find_role(connection, options.name).roleId());
    request.set_failIfUsed(!options.force);
    connection.call("RemoveAuthorizationRole", authorization_manager(connection), request);
    context.say(fmt::format("{}: removed", options.name));
}

}  // namespace

void add_perm_role(CLI::App& parent, Context& context) {
    auto* role = parent.add_subcommand("role", "Roles: named sets of privileges");
    role->require_subcommand(1);
    const auto command = [&](const char* name, const char* text, bool named,
                             void (*run)(Context&, const Options&)) {
        auto* made = role->add_subcommand(name, text);
        auto options = std::make_shared<Options>();
        if (named) made->add_option("ROLE", options->name)->required();
        made->callback([&context, options, run] { run(context, *options); });
        return std::pair(made, options);
    };
    command("list", "All roles", false, list);
    command("show", "The privileges of a role", true, show);
    auto [add_command, added] = command("add", "Make a role", true, add);
    add_command->add_option("PRIVILEGE", added->privileges,
                            "such as VirtualMachine.Interact.PowerOn");
    auto [set_command, changed] = command("set", "Change a role", true, update);
    set_command->add_option("PRIVILEGE", changed->privileges, "these and no others");
    set_command->add_option("--name", changed->new_name, "another name")->type_name("NAME");
    auto [remove_command, removed] = command("remove", "Remove a role", true, remove);
    remove_command->add_flag("-f,--force", removed->force,
                             "and the permissions that give it to somebody");
}

}  // namespace drover::cli
