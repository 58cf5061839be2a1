// Hosts of a center: add, remove, disconnect, reconnect.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.hpp"
#include "cli/context.hpp"
#include "cli/terminal.hpp"
#include "vim/hosts_types.hpp"
#include "vim/management_types.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string address;
    std::string user = "root";
    std::string thumbprint;
    std::string cluster;
    std::string folder;
    bool password_stdin = false;
    bool force = false;
    bool disconnected = false;
};

std::string host_password(const Options& options) {
    if (options.password_stdin) return first_line_of_input();
    return ask_secret(fmt::format("Password of {} at {}: ", options.user, options.address));
}

vim::MoRef start_add(client::Connection& connection, const Options& options,
                     const vim::HostConnectSpec& spec) {
    if (!options.cluster.empty()) {
        auto request = vim::AddHost_TaskRequest::make();
        request.set_spec(spec);
        request.set_asConnected(!options.disconnected);
        const auto cluster =
            client::find(connection, vim::TypeId::ClusterComputeResource, options.cluster);
        return connection.start("AddHost_Task", cluster.reference, request);
    }
    auto request = vim::AddStandaloneHost_TaskRequest::make();
    request.set_spec(spec);
    request.set_addConnected(!options.disconnected);
    if (!options.folder.empty()) {
        const auto folder = client::find(connection, vim::TypeId::Folder, options.folder);
        return connection.start("AddStandaloneHost_Task", folder.reference, request);
    }
    const auto all = client::retrieve(connection, vim::TypeId::Datacenter, {"hostFolder"});
    const auto folder = all.size() == 1 ? all.front().reference("hostFolder") : std::nullopt;
    if (!folder) throw UsageError("host add: say where: --cluster NAME or --folder PATH");
    return connection.start("AddStandaloneHost_Task", *folder, request);
}

// The thumbprint that the host has, as the center saw it; empty if that is not what is wrong.
std::string offered_thumbprint(const vim::Fault& fault) {
    if (!vim::is_a(fault.fault().dynamic_type(), vim::TypeId::SSLVerifyFault)) return {};
    return std::string(fault.fault().as<vim::SSLVerifyFault>().thumbprint().value_or(""));
}

// A person is shown the certificate's thumbprint; without one to ask, only --thumbprint will do.
void add(Context& context, const Options& options) {
    auto& connection = context.connection();
    auto spec = vim::HostConnectSpec::make();
    spec.set_hostName(options.address);
    spec.set_userName(options.user);
    spec.set_password(host_password(options));
    spec.set_force(options.force);
    if (!options.thumbprint.empty()) spec.set_sslThumbprint(options.thumbprint);
    const auto job = [&] {
        return Job{options.address, [&] { return start_add(connection, options, spec); }};
    };
    std::string offered;
    try {
        run_job(context, job());
    } catch (const vim::Fault& fault) {
        offered = offered_thumbprint(fault);
        if (offered.empty()) throw;
        if (!options.thumbprint.empty() || !input_is_terminal() || !error_is_terminal()) throw;
    }
    if (!offered.empty()) {
        fmt::print(stderr, "The certificate of {} is not known here.\n  SHA-1 {}\n",
                   options.address, offered);
        if (!ask_yes("Is that the host's own?")) throw UsageError("host add: not trusted");
        spec.set_sslThumbprint(offered);
        run_job(context, job());
    }
    context.say(fmt::format("{}: added", options.address));
}

void run_on_hosts(Context& context, const std::vector<std::string>& names, const char* method,
                  const char* done) {
    auto& connection = context.connection();
    std::vector<Job> jobs;
    for (const auto& host : client::find_all(connection, vim::TypeId::HostSystem, names)) {
        jobs.push_back({host.name, [&connection, method, host] {
                            return connection.start(method, host.reference);
                        }});
    }
    run_jobs(context, done, jobs);
}

void add_verb(CLI::App& parent, Context& context, const char* name, const char* help,
              const char* method, const char* done, const char* question) {
    auto* command = parent.add_subcommand(name, help);
    auto names = std::make_shared<std::vector<std::string>>();
    auto yes = std::make_shared<bool>(question == nullptr);
    command->add_option("HOST", *names, "the hosts")->required();
    if (question != nullptr) command->add_flag("-y,--yes", *yes, "don't ask");
    command->callback([&context, names, yes, method, done, question] {
        if (question != nullptr) confirm(context, *yes, question);
        run_on_hosts(context, *names, method, done);
    });
}

}  // namespace

void add_host_add(CLI::App& parent, Context& context) {
    auto options = std::make_shared<Options>();
    auto* command = parent.add_subcommand("add", "Add a host to a center");
    command->add_option("ADDRESS", options->address, "its address or name, with :PORT unless 443")
        ->required();
    command->add_option("-u,--user", options->user, "an administrator of the host")
        ->type_name("USER")
        ->capture_default_str();
    command->add_flag("--password-stdin", options->password_stdin,
                      "read the password's line from standard input");
    command->add_option("--thumbprint", options->thumbprint, "trust exactly this certificate")
        ->type_name("HEX");
    auto* cluster = command->add_option("--cluster", options->cluster, "into this cluster")
                        ->type_name("CLUSTER");
    command->add_option("--folder", options->folder, "by itself, in this folder of hosts")
        ->type_name("FOLDER")
        ->excludes(cluster);
    command->add_flag("--force", options->force, "even if another center manages it");
    command->add_flag("--disconnected", options->disconnected, "don't connect to it yet");
    command->footer(R"(
The password is used once: the center makes an account of its own on the host.

Examples:
  drover host add 10.99.0.11 --cluster production
  pass show host1 | drover host add 10.99.0.11 --password-stdin --thumbprint 3A:5F:...)");
    command->callback([&context, options] { add(context, *options); });
    add_verb(parent, context, "remove", "Take hosts out of a center; their machines run on",
             "Destroy_Task", "removed", "Take these hosts out of the center?");
    add_verb(parent, context, "disconnect", "Let go of hosts for a while", "DisconnectHost_Task",
             "disconnected", nullptr);
    add_verb(parent, context, "reconnect", "Take hosts up again", "ReconnectHost_Task", "connected",
             nullptr);
}

}  // namespace drover::cli
