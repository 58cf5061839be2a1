#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.hpp"
#include "cli/fault_text.hpp"
#include "cli/placement.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string file;
    std::string name;
    WantedPlace place;
    bool as_template = false;
};

void register_machine(Context& context, const Options& options) {
    const auto file = require_datastore_path("register", options.file, ".vmx");
    auto& connection = context.connection();
    WantedPlace wanted = options.place;
    wanted.datastore = file.datastore;
    const Place place = choose_place(connection, wanted);
    auto request = vim::RegisterVM_TaskRequest::make();
    request.set_path(file.to_string());
    if (!options.name.empty()) request.set_name(options.name);
    request.set_asTemplate(options.as_template);
    if (!options.as_template) request.set_pool(place.pool);
    request.set_host(place.host);
    const std::string shown = options.name.empty() ? file.to_string() : options.name;
    run_jobs(context, "registered",
             {{shown, [&] { return connection.start("RegisterVM_Task", place.folder, request); }}});
}

void unregister(Context& context, const std::vector<std::string>& names) {
    auto& connection = context.connection();
    Table table({{"name", "NAME"}, {"state", ""}});
    bool any_failed = false;
    for (const auto& vm : client::find_all(connection, vim::TypeId::VirtualMachine, names)) {
        try {
            connection.call("UnregisterVM", vm.reference);
            context.say(fmt::format("{}: unregistered", vm.name));
            table.add({text_cell(vm.name), text_cell("unregistered")});
        } catch (const vim::Fault& fault) {
            context.warn(fmt::format("{}: {}", vm.name, fault_text(fault)));
            any_failed = true;
        }
    }
    if (context.json()) context.print(table);
    if (any_failed) throw AlreadyReported{};
}

}  // namespace

void add_vm_register(CLI::App& parent, Context& context) {
    auto* command = parent.add_subcommand(
        "register", "Take a machine that lies on a datastore into the inventory");
    auto options = std::make_shared<Options>();
    command->add_option("FILE", options->file, "\"[datastore] directory/name.vmx\"")->required();
    command->add_option("--name", options->name, "under this name")->type_name("NAME");
    command->add_option("--host", options->place.host, "on this host")->type_name("HOST");
    command->add_option("--pool", options->place.pool, "in this resource pool")->type_name("POOL");
    command->add_option("--folder", options->place.folder, "in this folder")->type_name("FOLDER");
    command->add_flag("--template", options->as_template, "as a template");
    command->footer("\nExample:\n  drover vm register \"[shared] web1/web1.vmx\"");
    command->callback([&context, options] { register_machine(context, *options); });

    auto names = std::make_shared<std::vector<std::string>>();
    command =
        parent.add_subcommand("unregister", "Take machines out of the inventory; their files stay");
    command->add_option("VM", *names, "the machines")->required();
    command->callback([&context, names] { unregister(context, *names); });
}

}  // namespace drover::cli
