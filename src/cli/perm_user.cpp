#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/perm.hpp"
#include "cli/terminal.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string name;
    std::string description;
    bool password_stdin = false;
    bool yes = false;
};

vim::MoRef account_manager(client::Connection& connection) {
    return client::required(connection.content().accountManager(), "accountManager");
}

std::string read_password(const Options& options) {
    if (options.password_stdin) return first_line_of_input();
    const std::string password = ask_secret(fmt::format("New password of {}: ", options.name));
    if (password != ask_secret("Once more: ")) throw UsageError("the passwords differ");
    return password;
}

void list(Context& context, const Options&) {
    auto& connection = context.connection();
    auto request = vim::RetrieveUserGroupsRequest::make();
    request.set_searchStr("");
    request.set_exactMatch(false);
    request.set_findUsers(true);
    request.set_findGroups(true);
    const auto found = connection.call(
        "RetrieveUserGroups",
        client::required(connection.content().userDirectory(), "userDirectory"), request);
    Table table({{"name", "NAME"}, {"group", "GROUP"}, {"full_name", "FULL NAME"}});
    if (found.kind() == vim::ValueKind::array) {
        for (const auto& each : found.elements()) {
            const vim::UserSearchResult user(each);
            table.add({text_cell(user.principal()), yes_no_cell(user.group()),
                       text_cell(user.fullName().value_or(""))});
        }
    }
    table.sort_by(0);
    context.print(table);
}

vim::HostAccountSpec account(const Options& options) {
    auto spec = vim::HostAccountSpec::make();
    spec.set_id(options.name);
    if (!options.description.empty()) spec.set_description(options.description);
    return spec;
}

void add(Context& context, const Options& options) {
    auto& connection = context.connection();
    auto spec = account(options);
    spec.set_password(read_password(options));
    auto request = vim::CreateUserRequest::make();
    request.set_user(spec);
    connection.call("CreateUser", account_manager(connection), request);
    context.say(fmt::format("{}: made; give it a role with: drover perm set {} ROLE OBJECT",
                            options.name, options.name));
}

void set_password(Context& context, const Options& options) {
    auto& connection = context.connection();
    auto spec = account(options);
    spec.set_password(read_password(options));
    auto request = vim::UpdateUserRequest::make();
    request.set_user(spec);
    connection.call("UpdateUser", account_manager(connection), request);
    context.say(fmt::format("{}: has a new password", options.name));
}

void remove(Context& context, const Options& options) {
    confirm(context, options.yes, fmt::format("Remove the user {}?", options.name));
    auto& connection = context.connection();
    auto request = vim::RemoveUserRequest::make();
    request.set_userName(options.name);
    connection.call("RemoveUser", account_manager(connection), request);
    context.say(fmt::format("{}: removed", options.name));
}

}  // namespace

void add_perm_user(CLI::App& parent, Context& context) {
    auto* user = parent.add_subcommand("user", "Users of a host");
    user->require_subcommand(1);
    const auto command = [&](const char* name, const char* text, bool named,
                             void (*run)(Context&, const Options&)) {
        auto* made = user->add_subcommand(name, text);
        auto options = std::make_shared<Options>();
        if (named) made->add_option("USER", options->name)->required();
        made->callback([&context, options, run] { run(context, *options); });
        return std::pair(made, options);
    };
    command("list", "Users and groups that can be given a role", false, list);
    auto [add_command, added] = command("add", "Make a user, who may nothing yet", true, add);
    add_command->add_option("--description", added->description)->type_name("TEXT");
    add_command->add_flag("--password-stdin", added->password_stdin,
                          "read the password's line from standard input");
    auto [password_command, changed] =
        command("password", "Set a user's password", true, set_password);
    password_command->add_flag("--password-stdin", changed->password_stdin,
                               "read the password's line from standard input");
    auto [remove_command, removed] = command("remove", "Remove a user", true, remove);
    remove_command->add_flag("-y,--yes", removed->yes, "don't ask");
}

}  // namespace drover::cli
