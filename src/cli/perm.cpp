#include "cli/perm.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.hpp"
#include "cli/target.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string target = "/";
    std::string principal;
    std::string role;
    bool group = false;
    bool no_propagation = false;
    bool all = false;
};

std::string entity_name(client::Connection& connection, const vim::MoRef& entity,
                        std::map<std::string, std::string>& known) {
    if (const auto found = known.find(entity.id); found != known.end()) return found->second;
    std::string path = "/";
    if (entity != connection.content().rootFolder()) {
        path = client::inventory_path(connection, entity);
    }
    return known.emplace(entity.id, path).first->second;
}

void list(Context& context, const Options& options) {
    auto& connection = context.connection();
    vim::Value found;
    if (options.all) {
        found = connection.call("RetrieveAllPermissions", authorization_manager(connection));
    } else {
        auto request = vim::RetrieveEntityPermissionsRequest::make();
        request.set_entity(find_target(connection, options.target).reference);
        request.set_inherited(true);
        found = connection.call("RetrieveEntityPermissions", authorization_manager(connection),
                                request);
    }
    std::map<std::int32_t, std::string> roles;
    for (const auto& role : all_roles(connection)) {
        roles.emplace(role.roleId(), std::string(role.name()));
    }
    Table table({{"principal", "WHO"},
                 {"group", "GROUP"},
                 {"role", "ROLE"},
                 {"entity", "ON"},
                 {"propagate", "AND BELOW"}});
    std::map<std::string, std::string> names;
    if (found.kind() == vim::ValueKind::array) {
        for (const auto& each : found.elements()) {
            const vim::Permission permission(each);
            const auto entity = permission.entity();
            table.add({text_cell(permission.principal()), yes_no_cell(permission.group()),
                       text_cell(roles[permission.roleId()]),
                       text_cell(entity ? entity_name(connection, *entity, names) : ""),
                       yes_no_cell(permission.propagate())});
        }
    }
    context.print(table);
}

void set(Context& context, const Options& options) {
    auto& connection = context.connection();
    auto permission = vim::Permission::make();
    permission.set_principal(options.principal);
    permission.set_group(options.group);
    permission.set_roleId(find_role(connection, options.role).roleId());
    permission.set_propagate(!options.no_propagation);
    const auto target = find_target(connection, options.target);
    auto request = vim::SetEntityPermissionsRequest::make();
    request.set_entity(target.reference);
    request.set_permission({permission});
    connection.call("SetEntityPermissions", authorization_manager(connection), request);
    context.say(fmt::format("{}: {} on {}", options.principal, options.role, target.name));
}

void remove(Context& context, const Options& options) {
    auto& connection = context.connection();
    const auto target = find_target(connection, options.target);
    auto request = vim::RemoveEntityPermissionRequest::make();
    request.set_entity(target.reference);
    request.set_user(options.principal);
    request.set_isGroup(options.group);
    connection.call("RemoveEntityPermission", authorization_manager(connection), request);
    context.say(
        fmt::format("{}: no permission of its own on {} any more", options.principal, target.name));
}

void add_list(CLI::App& perm, Context& context) {
    auto* command = perm.add_subcommand("list", "Who may do what");
    auto options = std::make_shared<Options>();
    command
        ->add_option("OBJECT", options->target,
                     std::string("permissions that hold here: ") + kTargetHelp)
        ->capture_default_str();
    command->add_flag("-a,--all", options->all, "permissions on all objects");
    command->callback([&context, options] { list(context, *options); });
}

void add_change(CLI::App& perm, Context& context) {
    auto* set_command = perm.add_subcommand("set", "Give somebody a role on an object");
    auto options = std::make_shared<Options>();
    set_command->add_option("WHO", options->principal, "user, or group with --group")->required();
    set_command->add_option("ROLE", options->role, "such as ReadOnly or Admin")->required();
    set_command->add_option("OBJECT", options->target, kTargetHelp)->capture_default_str();
    set_command->add_flag("--group", options->group, "WHO is a group");
    set_command->add_flag("--no-propagation", options->no_propagation,
                          "on this object alone, not on what is below");
    set_command->footer("\nExample:\n  drover perm set anna ReadOnly /");
    set_command->callback([&context, options] { set(context, *options); });

    auto* remove_command = perm.add_subcommand("remove", "Take a permission away");
    auto removed = std::make_shared<Options>();
    remove_command->add_option("WHO", removed->principal, "user, or group with --group")
        ->required();
    remove_command->add_option("OBJECT", removed->target, kTargetHelp)->capture_default_str();
    remove_command->add_flag("--group", removed->group, "WHO is a group");
    remove_command->callback([&context, removed] { remove(context, *removed); });
}

}  // namespace

vim::MoRef authorization_manager(client::Connection& connection) {
    return client::required(connection.content().authorizationManager(), "authorizationManager");
}

std::vector<vim::AuthorizationRole> all_roles(client::Connection& connection) {
    return client::retrieve_object(connection, authorization_manager(connection), {"roleList"})
        .objects<vim::AuthorizationRole>("roleList");
}

vim::AuthorizationRole find_role(client::Connection& connection, const std::string& name) {
    for (const auto& role : all_roles(connection)) {
        const auto info = role.info();
        if (role.name() == name || (info && info.label() == name)) return role;
    }
    throw client::LookupError(
        fmt::format("there is no role \"{}\": drover perm role list shows them", name));
}

void add_perm(CLI::App& parent, Context& context) {
    auto* perm = parent.add_subcommand("perm", "Users, roles and permissions");
    perm->require_subcommand(1);
    add_list(*perm, context);
    add_change(*perm, context);
    add_perm_role(*perm, context);
    add_perm_user(*perm, context);
}

}  // namespace drover::cli
