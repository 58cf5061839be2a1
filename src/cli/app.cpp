#include "cli/app.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string_view>

#include "cli/commands.hpp"
#include "cli/completion.hpp"
#include "cli/context.hpp"
#include "cli/fault_text.hpp"
#include "cli/text.hpp"

namespace drover::cli {
namespace {

constexpr const char* kIntroduction =
    "Drives virtual machines, hosts and datastores of drover, or of any other vSphere API.";

constexpr const char* kFooter = R"(
Examples:
  drover sandbox up --hosts 3                         three hosts on this machine
  drover login https://10.99.0.11 -u root             log in; asks for the password
  drover vm create web1 --from demo --start           a machine from a template
  drover vm ip web1                                   wait for its address
  drover vm list -o json                              for scripts
  drover --to other-host vm list                      on another login

Environment: DROVER_URL, DROVER_USERNAME, DROVER_PASSWORD, DROVER_THUMBPRINT (or
DROVER_INSECURE=1) log in for one command alone.
Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 no connection or not logged in.)";

CLI::App& add_group(CLI::App& parent, const char* name, const char* text) {
    auto& group = *parent.add_subcommand(name, text);
    group.require_subcommand(1);
    return group;
}

void add_vm(CLI::App& app, Context& context) {
    auto& vm = add_group(app, "vm", "Virtual machines");
    vm.footer(R"(
A machine is named by its name, its path in the inventory (/datacenter/vm/name) or its
reference (vm-12). "drover vm COMMAND --help" shows examples.)");
    add_vm_list(vm, context);
    add_vm_info(vm, context);
    add_vm_create(vm, context);
    add_vm_destroy(vm, context);
    add_vm_register(vm, context);
    add_vm_power(vm, context);
    add_vm_set(vm, context);
    add_vm_disk(vm, context);
    add_vm_nic(vm, context);
    add_vm_cdrom(vm, context);
    add_vm_console(vm, context);
    add_vm_ip(vm, context);
    add_vm_migrate(vm, context);
}

void add_all(CLI::App& app, Context& context) {
    add_login(app, context);
    add_logout(app, context);
    add_connections(app, context);
    add_about(app, context);
    add_ls(app, context);
    add_vm(app, context);
    auto& host = add_group(app, "host", "Hosts");
    add_host_list(host, context);
    add_host_info(host, context);
    add_host_add(host, context);
    add_host_maintenance(host, context);
    add_datacenter(add_group(app, "datacenter", "Datacenters of a center"), context);
    CLI::App& clusters = add_group(app, "cluster", "Clusters of a center");
    add_cluster(clusters, context);
    add_cluster_evc(clusters, context);
    add_pool(add_group(app, "pool", "Resource pools"), context);
    add_drs(add_group(app, "drs", "Where a cluster's machines run, and why"), context);
    add_ha(add_group(app, "ha", "Restarting the machines of hosts that die"), context);
    add_center(add_group(app, "center", "Backup, restore and certificate of a center"), context);
    add_top(app, context);
    auto& datastore = add_group(app, "datastore", "Datastores and their files");
    add_datastore_list(datastore, context);
    add_datastore_info(datastore, context);
    add_datastore_ls(datastore, context);
    auto& file = add_group(app, "file", "Files on datastores: copy, move, delete");
    add_datastore_ls(file, context);
    add_file_transfer(file, context);
    add_file_change(file, context);
    auto& task = add_group(app, "task", "What the server is doing");
    add_task_list(task, context);
    add_task_info(task, context);
    add_task_cancel(task, context);
    add_task_wait(task, context);
    add_events(app, context);
    add_perf(app, context);
    add_perm(app, context);
    add_logs(app, context);
    add_completion(app);
    add_sandbox(app);
}

void add_global_options(CLI::App& app, GlobalOptions& options) {
    app.add_option("-o,--output", options.output, "table (for people) or json (for programs)")
        ->check(CLI::IsMember({"table", "json"}))
        ->type_name("FORMAT")
        ->capture_default_str();
    app.add_option("--to", options.connection, "the login to use (see drover connections)")
        ->type_name("NAME");
    app.add_flag("--async", options.async, "start tasks, print them, don't wait");
}

// The server's and our own errors, each with its exit code.
int report(const Context& context, const std::exception& error) {
    if (const auto* fault = dynamic_cast<const vim::Fault*>(&error)) {
        context.warn(fault_text(*fault));
        return vim::is_a(fault->fault().dynamic_type(), vim::TypeId::NotAuthenticated)
                   ? ExitCode::no_connection
                   : ExitCode::failed;
    }
    context.warn(error.what());
    if (dynamic_cast<const client::ConnectionError*>(&error)) return ExitCode::no_connection;
    if (dynamic_cast<const UsageError*>(&error)) return ExitCode::usage;
    return ExitCode::failed;
}

}  // namespace

int run(int count, char** arguments) {
    // The sandbox tool has a command line of its own: hand it over as it is.
    if (count > 1 && std::string_view(arguments[1]) == "sandbox") {
        return run_sandbox(count - 2, arguments + 2);
    }
    Context context;
    CLI::App app(kIntroduction, "drover");
    app.footer(kFooter);
    app.set_version_flag("--version", "drover " DROVER_VERSION);
    app.set_help_flag("-h,--help", "this text");
    app.require_subcommand(1);
    app.fallthrough();  // global options may stand behind the command
    add_global_options(app, context.options);
    add_all(app, context);
    if (count > 1 && std::string_view(arguments[1]) == "__complete") {
        for (const auto& word : completions(app, context, {arguments + 2, arguments + count})) {
            fmt::print("{}\n", printable(word));
        }
        return ExitCode::ok;
    }
    try {
        app.parse(count, arguments);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? ExitCode::ok : ExitCode::usage;
    } catch (const AlreadyReported&) {
        return ExitCode::failed;
    } catch (const std::exception& error) {
        return report(context, error);
    }
    if (std::fflush(stdout) != 0) {
        context.warn("the output could not be written");
        return ExitCode::failed;
    }
    return ExitCode::ok;
}

}  // namespace drover::cli
