// Datacenters and clusters: what a center has above its hosts.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.hpp"
#include "cli/context.hpp"
#include "vim/inventory_types.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string name;
    std::string parent;
    bool yes = false;
};

vim::MoRef root_folder(client::Connection& connection) {
    return connection.content().rootFolder();
}

void create_datacenter(Context& context, const Options& options) {
    auto& connection = context.connection();
    const vim::MoRef folder =
        options.parent.empty()
            ? root_folder(connection)
            : client::find(connection, vim::TypeId::Folder, options.parent).reference;
    auto request = vim::CreateDatacenterRequest::make();
    request.set_name(options.name);
    connection.call("CreateDatacenter", folder, request);
    context.say(fmt::format("{}: made", options.name));
}

// Where the user said, or in the only datacenter.
client::Named chosen_datacenter(client::Connection& connection, const std::string& wanted) {
    if (!wanted.empty()) return client::find(connection, vim::TypeId::Datacenter, wanted);
    const auto all = client::retrieve(connection, vim::TypeId::Datacenter, {"name"});
    if (all.empty()) {
        throw client::LookupError("there is no datacenter: drover datacenter create NAME");
    }
    if (all.size() > 1) throw UsageError("say which datacenter: --datacenter NAME");
    return {all.front().object(), all.front().text("name")};
}

void create_cluster(Context& context, const Options& options) {
    auto& connection = context.connection();
    const auto datacenter = chosen_datacenter(connection, options.parent);
    const auto folder = client::retrieve_object(connection, datacenter.reference, {"hostFolder"})
                            .reference("hostFolder");
    if (!folder) throw client::LookupError("the datacenter has no folder for hosts");
    auto request = vim::CreateClusterExRequest::make();
    request.set_name(options.name);
    request.set_spec(vim::ClusterConfigSpecEx::make());
    connection.call("CreateClusterEx", *folder, request);
    context.say(fmt::format("{}: made in {}", options.name, datacenter.name));
}

void destroy(Context& context, vim::TypeId type, const Options& options) {
    auto& connection = context.connection();
    const auto found = client::find(connection, type, options.name);
    confirm(context, options.yes, fmt::format("Remove {} with everything in it?", found.name));
    run_jobs(context, "removed", {{found.name, [&connection, found] {
                                       return connection.start("Destroy_Task", found.reference);
                                   }}});
}

void list_datacenters(Context& context) {
    Table table({{"name", "NAME"},
                 {"id", "REFERENCE"},
                 {"path", "PATH"},
                 {"datastores", "DATASTORES"},
                 {"networks", "NETWORKS"}});
    auto& connection = context.connection();
    for (const auto& each :
         client::retrieve(connection, vim::TypeId::Datacenter, {"name", "datastore", "network"})) {
        table.add({text_cell(each.text("name")), text_cell(each.object().id),
                   text_cell(client::inventory_path(connection, each.object())),
                   number_cell(static_cast<std::int64_t>(each.references("datastore").size())),
                   number_cell(static_cast<std::int64_t>(each.references("network").size()))});
    }
    table.sort_by(0);
    context.print(table);
}

void list_clusters(Context& context) {
    Table table({{"name", "NAME"},
                 {"id", "REFERENCE"},
                 {"hosts", "HOSTS"},
                 {"effective_hosts", "USABLE"},
                 {"cpu_cores", "CORES"},
                 {"cpu_capacity_mhz", "CPU"},
                 {"memory_bytes", "MEMORY"},
                 {"evc_mode", "EVC"}});
    for (const auto& each : client::retrieve(
             context.connection(), vim::TypeId::ClusterComputeResource,
             {"name", "summary.numHosts", "summary.numEffectiveHosts", "summary.numCpuCores",
              "summary.totalCpu", "summary.totalMemory", "summary.currentEVCModeKey"})) {
        table.add({text_cell(each.text("name")), text_cell(each.object().id),
                   number_cell(each.integer("summary.numHosts")),
                   number_cell(each.integer("summary.numEffectiveHosts")),
                   number_cell(each.integer("summary.numCpuCores")),
                   mhz_cell(each.integer("summary.totalCpu")),
                   bytes_cell(each.integer("summary.totalMemory")),
                   text_cell(each.text("summary.currentEVCModeKey"))});
    }
    table.sort_by(0);
    context.print(table);
}

void add_destroy(CLI::App& parent, Context& context, vim::TypeId type, const char* what) {
    auto options = std::make_shared<Options>();
    auto* command = parent.add_subcommand("destroy", fmt::format("Remove a {}", what));
    command->add_option("NAME", options->name, "which")->required();
    command->add_flag("-y,--yes", options->yes, "don't ask");
    command->callback([&context, type, options] { destroy(context, type, *options); });
}

}  // namespace

void add_datacenter(CLI::App& parent, Context& context) {
    parent.add_subcommand("list", "All datacenters")->callback([&context] {
        list_datacenters(context);
    });
    auto options = std::make_shared<Options>();
    auto* create = parent.add_subcommand("create", "Make a datacenter");
    create->add_option("NAME", options->name, "its name")->required();
    create->add_option("--folder", options->parent, "in this folder")->type_name("FOLDER");
    create->callback([&context, options] { create_datacenter(context, *options); });
    add_destroy(parent, context, vim::TypeId::Datacenter, "datacenter");
}

void add_cluster(CLI::App& parent, Context& context) {
    parent.add_subcommand("list", "All clusters")->callback([&context] { list_clusters(context); });
    auto options = std::make_shared<Options>();
    auto* create = parent.add_subcommand("create", "Make a cluster; hosts are added afterwards");
    create->add_option("NAME", options->name, "its name")->required();
    create->add_option("--datacenter", options->parent, "may be left out if there is just one")
        ->type_name("DATACENTER");
    create->callback([&context, options] { create_cluster(context, *options); });
    add_destroy(parent, context, vim::TypeId::ClusterComputeResource, "cluster");
}

}  // namespace drover::cli
