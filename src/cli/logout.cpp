#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "cli/commands.hpp"
#include "cli/connections.hpp"
#include "cli/context.hpp"

namespace drover::cli {
namespace {

void run(Context& context) {
    const auto file = connections_file();
    auto stored = load_connections(file);
    const std::string name =
        context.options.connection.empty() ? stored.current : context.options.connection;
    const auto found = stored.by_name.find(name);
    if (found == stored.by_name.end() || found->second.cookie.empty()) {
        throw UsageError(name.empty() ? "you are not logged in anywhere"
                                      : fmt::format("you are not logged in to \"{}\"", name));
    }
    // What is stored goes first: a server that does not answer must not keep the cookie here.
    client::Protocol protocol(
        found->second.url.substr(found->second.url.find('/', std::string_view("https://").size())));
    protocol.set_cookie(found->second.cookie);
    if (const auto release = vim::find_release(found->second.release)) {
        protocol.set_release(*release);
    }
    client::Connection connection(
        client::make_https_transport(found->second.url,
                                     {found->second.thumbprint, found->second.insecure}),
        std::move(protocol));
    found->second.cookie.clear();
    save_connections(file, stored);
    try {
        connection.logout();
    } catch (const vim::Fault& fault) {
        const auto type = fault.fault().dynamic_type();
        if (!vim::is_a(type, vim::TypeId::NotAuthenticated)) throw;  // ended already
    }
    context.say(fmt::format("logged out of {}", name));
}

}  // namespace

void add_logout(CLI::App& parent, Context& context) {
    auto* command = parent.add_subcommand("logout", "End the session with the server");
    command->footer(
        "\nThe server's address and certificate stay known: drover login is enough to "
        "come back.");
    command->callback([&context] { run(context); });
}

}  // namespace drover::cli
