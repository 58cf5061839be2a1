#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.hpp"
#include "cli/context.hpp"

namespace drover::cli {
namespace {

void run(Context& context, const std::string& name) {
    auto& connection = context.connection();
    const auto found = client::find(connection, vim::TypeId::Datastore, name);
    const auto datastore =
        client::retrieve_object(connection, found.reference, {"name", "summary", "vm", "host"});
    const auto summary = datastore.object<vim::DatastoreSummary>("summary");
    Report report;
    report.add("name", "Name", text_cell(datastore.text("name")));
    report.add("id", "Reference", text_cell(datastore.object().id));
    if (summary) {
        report.add("type", "Type", text_cell(summary.type()));
        report.add("url", "URL", text_cell(summary.url()));
        report.add("accessible", "Accessible", yes_no_cell(summary.accessible()));
        report.add("shared", "Several hosts", yes_no_cell(summary.multipleHostAccess()));
        report.add("capacity_bytes", "Capacity", bytes_cell(summary.capacity()));
        report.add("free_bytes", "Free", bytes_cell(summary.freeSpace()));
        report.add("uncommitted_bytes", "Promised", bytes_cell(summary.uncommitted()));
    }
    Table hosts({{"id", "HOST"},
                 {"path", "PATH"},
                 {"accessible", "ACCESSIBLE"},
                 {"access_mode", "ACCESS"}});
    for (const auto& mount : datastore.objects<vim::DatastoreHostMount>("host")) {
        const auto info = mount.mountInfo();
        hosts.add({text_cell(mount.key().id), text_cell(info ? info.path().value_or("") : ""),
                   yes_no_cell(info ? info.accessible() : std::nullopt),
                   text_cell(info ? info.accessMode() : "")});
    }
    report.add("hosts", "Hosts", std::move(hosts));
    Table machines({{"name", "MACHINE"}, {"id", "REFERENCE"}});
    for (const auto& vm : client::retrieve_objects(connection, vim::TypeId::VirtualMachine,
                                                   datastore.references("vm"), {"name"})) {
        machines.add({text_cell(vm.text("name")), text_cell(vm.object().id)});
    }
    machines.sort_by(0);
    report.add("vms", "Machines", std::move(machines));
    context.print(report);
}

}  // namespace

void add_datastore_info(CLI::App& parent, Context& context) {
    auto* command = parent.add_subcommand("info", "Everything about one datastore");
    auto name = std::make_shared<std::string>();
    command->add_option("DATASTORE", *name, "the datastore")->required();
    command->callback([&context, name] { run(context, *name); });
}

}  // namespace drover::cli
