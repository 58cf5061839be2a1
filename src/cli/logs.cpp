#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>

#include "cli/commands.hpp"
#include "cli/context.hpp"
#include "cli/text.hpp"
#include "vim/management_types.hpp"

namespace drover::cli {
namespace {

vim::MoRef diagnostic_manager(client::Connection& connection) {
    return client::required(connection.content().diagnosticManager(), "diagnosticManager");
}

// A center has the logs of many hosts; a host only its own and wants none named.
std::optional<vim::MoRef> host_of(client::Connection& connection, const std::string& name) {
    if (name.empty()) return std::nullopt;
    return client::find(connection, vim::TypeId::HostSystem, name).reference;
}

void list(Context& context, const std::string& host) {
    auto& connection = context.connection();
    auto request = vim::QueryDescriptionsRequest::make();
    if (const auto reference = host_of(connection, host)) request.set_host(*reference);
    const auto found =
        connection.call("QueryDescriptions", diagnostic_manager(connection), request);
    Table table({{"key", "LOG"}, {"info", "WHAT"}, {"file", "FILE"}});
    if (found.kind() == vim::ValueKind::array) {
        for (const auto& each : found.elements()) {
            const vim::DiagnosticManagerLogDescriptor log(each);
            table.add(
                {text_cell(log.key()), text_cell(log.info().label()), text_cell(log.fileName())});
        }
    }
    context.print(table);
}

vim::DiagnosticManagerLogHeader browse(client::Connection& connection, const std::string& host,
                                       const std::string& key, std::optional<std::int32_t> start,
                                       std::optional<std::int32_t> lines) {
    auto request = vim::BrowseDiagnosticLogRequest::make();
    if (const auto reference = host_of(connection, host)) request.set_host(*reference);
    request.set_key(key);
    if (start) request.set_start(*start);
    if (lines) request.set_lines(*lines);
    return vim::DiagnosticManagerLogHeader(
        connection.call("BrowseDiagnosticLog", diagnostic_manager(connection), request));
}

void show(Context& context, const std::string& host, const std::string& key, int count) {
    if (count < 1 || count > 10'000) throw UsageError("--lines must be 1 to 10000");
    auto& connection = context.connection();
    // Beyond the end there is nothing, but the answer tells where the end is.
    const auto end = browse(connection, host, key, std::numeric_limits<std::int32_t>::max(), 0);
    const std::int32_t last = end ? end.lineEnd() : 0;
    const std::int32_t start = std::max(1, last - count + 1);
    const auto part = browse(connection, host, key, start, count);
    Table table({{"line", "LINE"}});
    for (const auto line : part.lineText()) {
        if (context.json()) {
            table.add({text_cell(line)});
        } else {
            fmt::print("{}\n", printable(line));
        }
    }
    if (context.json()) context.print(table);
}

std::string path_of(const std::string& url) {
    const auto scheme = url.find("://");
    const auto slash = url.find('/', scheme == std::string::npos ? 0 : scheme + 3);
    return slash == std::string::npos ? "/" : url.substr(slash);
}

void fetch(Context& context, const std::string& url, const std::filesystem::path& target) {
    std::ofstream out(target, std::ios::binary | std::ios::trunc);
    if (!out) throw std::runtime_error(target.string() + " can't be written");
    client::WireRequest request;
    request.target = path_of(url);
    request.sink = [&](std::string_view piece) {
        if (!out.write(piece.data(), static_cast<std::streamsize>(piece.size()))) {
            throw std::runtime_error(target.string() + " can't be written");
        }
    };
    const int status = context.connection().send(std::move(request)).status;
    out.close();
    if (status == 200 && out) return;
    std::error_code ignored;
    std::filesystem::remove(target, ignored);
    throw client::ConnectionError(fmt::format("{}: HTTP status {}", url, status));
}

// Of a center: its own, and those of the hosts that are named.
void bundle(Context& context, const std::string& directory, const std::vector<std::string>& hosts) {
    auto& connection = context.connection();
    auto request = vim::GenerateLogBundles_TaskRequest::make();
    request.set_includeDefault(true);
    std::vector<vim::MoRef> references;
    for (const std::string& host : hosts) references.push_back(*host_of(connection, host));
    if (!references.empty()) request.set_host(references);
    const auto done =
        run_job(context, {"log bundle", [&] {
                              return connection.start("GenerateLogBundles_Task",
                                                      diagnostic_manager(connection), request);
                          }});
    if (!done || done.result().kind() != vim::ValueKind::array) return;
    for (const auto& each : done.result().elements()) {
        const std::string url(vim::DiagnosticManagerBundleInfo(each).url());
        const auto name = std::filesystem::path(path_of(url)).filename();
        const auto target = std::filesystem::path(directory.empty() ? "." : directory) / name;
        fetch(context, url, target);
        context.say(
            fmt::format("{}: {} bytes", target.string(), std::filesystem::file_size(target)));
    }
}

}  // namespace

void add_logs(CLI::App& parent, Context& context) {
    auto* logs = parent.add_subcommand("logs", "Logs of hosts and centers");
    logs->require_subcommand(1);
    auto host = std::make_shared<std::string>();
    const auto with_host = [&](CLI::App* command) {
        command->add_option("--host", *host, "the host, where the server has several")
            ->type_name("HOST");
    };
    auto* list_command = logs->add_subcommand("list", "Which logs there are");
    with_host(list_command);
    list_command->callback([&context, host] { list(context, *host); });

    auto* show_command = logs->add_subcommand("show", "The end of a log");
    auto key = std::make_shared<std::string>();
    auto lines = std::make_shared<int>(50);
    with_host(show_command);
    show_command->add_option("LOG", *key, "as drover logs list names it")->required();
    show_command->add_option("-n,--lines", *lines, "the last so many")
        ->type_name("NUMBER")
        ->capture_default_str();
    show_command->footer("\nExample:\n  drover logs show hostd -n 200");
    show_command->callback([&context, host, key, lines] { show(context, *host, *key, *lines); });

    auto* bundle_command =
        logs->add_subcommand("bundle",
                             "Have everything packed that tells what went wrong, and "
                             "fetch it");
    auto directory = std::make_shared<std::string>();
    auto hosts = std::make_shared<std::vector<std::string>>();
    bundle_command->add_option("DIRECTORY", *directory, "where to; else this one");
    bundle_command->add_option("--host", *hosts, "also of this host of a center; again for others")
        ->type_name("HOST");
    bundle_command->callback([&context, directory, hosts] { bundle(context, *directory, *hosts); });
}

}  // namespace drover::cli
