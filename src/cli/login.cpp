#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <memory>

#include "cli/commands.hpp"
#include "cli/connections.hpp"
#include "cli/context.hpp"
#include "cli/terminal.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string url;
    std::string user;
    std::string thumbprint;
    bool password_stdin = false;
    bool insecure = false;
};

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string{} : std::string(value);
}

std::string default_name(const std::string& url) {
    const auto begin = std::string_view("https://").size();
    return url.substr(begin, url.find('/', begin) - begin);
}

// What is asked for, completed by what is stored under the name.
StoredConnection wanted_login(const Options& options, const StoredConnections& stored,
                              std::string& name) {
    StoredConnection login;
    std::string text = options.url.empty() ? environment("DROVER_URL") : options.url;
    if (text.empty()) {
        const std::string known = name.empty() ? stored.current : name;
        const auto found = stored.by_name.find(known);
        if (found == stored.by_name.end()) throw UsageError("login: say where: drover login URL");
        name = known;
        text = found->second.url;
    }
    try {
        login.url = client::normalized_url(text);
    } catch (const std::invalid_argument& error) {
        throw UsageError(fmt::format("login: {}", error.what()));
    }
    if (name.empty()) name = default_name(login.url);
    if (const auto found = stored.by_name.find(name);
        found != stored.by_name.end() && found->second.url == login.url) {
        login = found->second;
    }
    if (!options.user.empty()) login.user = options.user;
    if (login.user.empty()) login.user = environment("DROVER_USERNAME");
    std::string thumbprint = options.thumbprint;
    if (thumbprint.empty() && !options.insecure) thumbprint = environment("DROVER_THUMBPRINT");
    if (!thumbprint.empty()) login.thumbprint = thumbprint;
    login.insecure = options.insecure;
    login.cookie.clear();
    return login;
}

std::unique_ptr<client::Connection> first_contact(const StoredConnection& login) {
    const auto path = login.url.find('/', std::string_view("https://").size());
    auto connection = std::make_unique<client::Connection>(
        client::make_https_transport(login.url, {login.thumbprint, login.insecure}),
        client::Protocol(login.url.substr(path)));
    connection->negotiate();
    return connection;
}

// Asks a person whether a new certificate is the right one. One that differs from a known one is
// never asked about: that takes a deliberate --thumbprint.
std::unique_ptr<client::Connection> contact(StoredConnection& login) {
    try {
        return first_contact(login);
    } catch (const client::UntrustedCertificate& error) {
        if (!login.thumbprint.empty() || !input_is_terminal() || !error_is_terminal()) throw;
        fmt::print(stderr, "The certificate of {} is not known here.\n  SHA-256 {}\n  SHA-1   {}\n",
                   login.url, error.thumbprint_sha256(), error.thumbprint_sha1());
        if (!ask_yes("Is that the server's own?")) throw;
        login.thumbprint = error.thumbprint_sha256();
    }
    return first_contact(login);
}

std::string password_for(const Options& options, const StoredConnection& login) {
    if (options.password_stdin) return first_line_of_input();
    if (std::getenv("DROVER_PASSWORD") != nullptr) return environment("DROVER_PASSWORD");
    return ask_secret(fmt::format("Password of {} at {}: ", login.user, login.url));
}

void run(Context& context, const Options& options) {
    const auto file = connections_file();
    auto stored = load_connections(file);
    std::string name = context.options.connection;
    StoredConnection login = wanted_login(options, stored, name);
    const auto connection = contact(login);
    if (login.user.empty()) login.user = ask_line("User: ");
    const auto session = connection->login(login.user, password_for(options, login));
    login.cookie = connection->protocol().cookie();
    login.release = vim::release_name(connection->protocol().release());
    stored.by_name[name] = login;
    stored.current = name;
    save_connections(file, stored);

    const auto about = connection->content().about();
    Report report;
    report.add("connection", "Connection", text_cell(name));
    report.add("url", "URL", text_cell(login.url));
    report.add("user", "User", text_cell(session ? session.userName() : login.user));
    report.add("server", "Server", text_cell(about.fullName()));
    report.add("api_release", "", text_cell(login.release));
    if (context.json()) {
        context.print(report);
    } else {
        context.say(fmt::format("logged in to {} ({}) as {}", name, about.fullName(), login.user));
    }
}

}  // namespace

void add_login(CLI::App& parent, Context& context) {
    auto* command = parent.add_subcommand("login", "Log in to a host or a center, and stay so");
    auto options = std::make_shared<Options>();
    command->add_option("URL", options->url,
                        "https://HOST[:PORT], or just HOST; else the last one");
    command->add_option("-u,--user", options->user, "who you are there")->type_name("USER");
    command->add_flag("--password-stdin", options->password_stdin,
                      "read the password's line from standard input");
    auto* thumbprint = command
                           ->add_option("--thumbprint", options->thumbprint,
                                        "trust exactly the certificate with this SHA-256 or SHA-1")
                           ->type_name("HEX");
    command->add_flag("--insecure", options->insecure, "trust any certificate (only for tests)")
        ->excludes(thumbprint);
    command->footer(R"(
The password is asked for without echo, or taken from DROVER_PASSWORD. The session (not the
password) is kept in $XDG_CONFIG_HOME/drover, readable by you alone.

Examples:
  drover login https://10.99.0.11 -u root
  drover login center.example.com -u admin --to production
  pass show host1 | drover login host1 -u root --password-stdin --thumbprint 3A:5F:...)");
    command->callback([&context, options] { run(context, *options); });
}

}  // namespace drover::cli
