#include "cli/context.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

#include "cli/connections.hpp"
#include "cli/terminal.hpp"
#include "cli/text.hpp"

namespace drover::cli {
namespace {

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string{} : std::string(value);
}

std::string endpoint_of(const std::string& url) {
    const auto path = url.find('/', std::string_view("https://").size());
    return path == std::string::npos ? "/sdk" : url.substr(path);
}

std::unique_ptr<client::Connection> open_from_environment(const std::string& text) {
    std::string url;
    try {
        url = client::normalized_url(text);
    } catch (const std::invalid_argument& error) {
        throw UsageError(fmt::format("DROVER_URL: {}", error.what()));
    }
    const client::Trust trust{environment("DROVER_THUMBPRINT"),
                              environment("DROVER_INSECURE") == "1"};
    auto connection = std::make_unique<client::Connection>(client::make_https_transport(url, trust),
                                                           client::Protocol(endpoint_of(url)));
    const std::string user = environment("DROVER_USERNAME");
    if (user.empty()) throw UsageError("DROVER_URL is set, but DROVER_USERNAME is not");
    connection->negotiate();
    connection->login(user, environment("DROVER_PASSWORD"));
    return connection;
}

std::unique_ptr<client::Connection> open_stored(const std::string& wanted) {
    const auto stored = load_connections(connections_file());
    const std::string name = wanted.empty() ? stored.current : wanted;
    const auto found = stored.by_name.find(name);
    if (found == stored.by_name.end()) {
        throw client::ConnectionError(wanted.empty()
                                          ? "you are not logged in anywhere"
                                          : fmt::format("there is no connection \"{}\"", wanted),
                                      "Log in with: drover login URL -u USER");
    }
    const StoredConnection& login = found->second;
    if (login.cookie.empty()) {
        throw client::ConnectionError(fmt::format("you are not logged in to \"{}\"", name),
                                      fmt::format("Log in with: drover login --to {}", name));
    }
    client::Protocol protocol(endpoint_of(login.url));
    protocol.set_cookie(login.cookie);
    if (const auto release = vim::find_release(login.release)) protocol.set_release(*release);
    return std::make_unique<client::Connection>(
        client::make_https_transport(login.url, {login.thumbprint, login.insecure}),
        std::move(protocol));
}

}  // namespace

Context::~Context() {
    if (!connection_ || !log_out_) return;
    try {
        connection_->logout();
    } catch (const std::exception&) {
        // The server ends idle sessions by itself.
    }
}

client::Connection& Context::connection() {
    if (!connection_) {
        const std::string url = environment("DROVER_URL");
        if (options.connection.empty() && !url.empty()) {
            connection_ = open_from_environment(url);
            log_out_ = true;
        } else {
            connection_ = open_stored(options.connection);
        }
    }
    return *connection_;
}

void Context::print(const Table& table) const {
    const std::string text = json() ? render_json(table) : render_text(table, output_width());
    std::fwrite(text.data(), 1, text.size(), stdout);
}

void Context::print(const Report& report) const {
    const std::string text = json() ? render_json(report) : render_text(report, output_width());
    std::fwrite(text.data(), 1, text.size(), stdout);
}

void Context::say(std::string_view sentence) const {
    if (!json()) fmt::print("{}\n", printable(sentence));
}

void Context::warn(std::string_view sentence) const {
    fmt::print(stderr, "drover: {}\n", printable(sentence, true));
}

void confirm(const Context& context, bool yes, std::string_view question) {
    if (yes || context.json() || !input_is_terminal() || !error_is_terminal()) return;
    if (!ask_yes(printable(question))) throw UsageError("nothing was done");
}

}  // namespace drover::cli
