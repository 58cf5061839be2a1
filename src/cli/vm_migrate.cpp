// Moving machines: to another host, to another datastore, or both; while they run.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.hpp"
#include "cli/context.hpp"
#include "cli/fault_text.hpp"
#include "vim/relocation_types.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::vector<std::string> names;
    std::string host;
    std::string pool;
    std::string datastore;
    bool check = false;
};

vim::VirtualMachineRelocateSpec relocate_spec(client::Connection& connection,
                                              const Options& options) {
    auto spec = vim::VirtualMachineRelocateSpec::make();
    if (!options.host.empty()) {
        spec.set_host(client::find(connection, vim::TypeId::HostSystem, options.host).reference);
    }
    if (!options.pool.empty()) {
        spec.set_pool(client::find(connection, vim::TypeId::ResourcePool, options.pool).reference);
    }
    if (!options.datastore.empty()) {
        spec.set_datastore(
            client::find(connection, vim::TypeId::Datastore, options.datastore).reference);
    }
    return spec;
}

void move(Context& context, const Options& options) {
    auto& connection = context.connection();
    const auto spec = relocate_spec(connection, options);
    std::vector<Job> jobs;
    for (const auto& vm :
         client::find_all(connection, vim::TypeId::VirtualMachine, options.names)) {
        jobs.push_back({vm.name, [&connection, &spec, vm] {
                            auto request = vim::RelocateVM_TaskRequest::make();
                            request.set_spec(spec);
                            return connection.start("RelocateVM_Task", vm.reference, request);
                        }});
    }
    run_jobs(context, "moved", jobs);
}

// What would stand in the way, for each machine; nothing is moved.
void check(Context& context, const Options& options) {
    auto& connection = context.connection();
    const auto& checker = connection.content().vmProvisioningChecker();
    const vim::MoRef manager = client::required(checker, "VirtualMachineProvisioningChecker");
    const auto spec = relocate_spec(connection, options);
    Table table({{"name", "NAME"}, {"verdict", "VERDICT"}, {"reason", "REASON"}});
    bool any_error = false;
    for (const auto& vm :
         client::find_all(connection, vim::TypeId::VirtualMachine, options.names)) {
        auto request = vim::CheckRelocate_TaskRequest::make();
        request.set_vm(vm.reference);
        request.set_spec(spec);
        const auto task = connection.start("CheckRelocate_Task", manager, request);
        const vim::Value found = client::wait_for_task(connection, task).result();
        std::size_t reasons = 0;
        if (found.kind() == vim::ValueKind::array) {
            for (const auto& element : found.elements()) {
                const vim::CheckResult result(element);
                for (const auto& error : result.error()) {
                    table.add({text_cell(vm.name), text_cell("impossible"),
                               text_cell(error.localizedMessage().value_or(""))});
                    any_error = true;
                    ++reasons;
                }
                for (const auto& warning : result.warning()) {
                    table.add({text_cell(vm.name), text_cell("warning"),
                               text_cell(warning.localizedMessage().value_or(""))});
                    ++reasons;
                }
            }
        }
        if (reasons == 0) table.add({text_cell(vm.name), text_cell("possible"), nothing()});
    }
    context.print(table);
    if (any_error) throw AlreadyReported{};
}

}  // namespace

void add_vm_migrate(CLI::App& parent, Context& context) {
    auto options = std::make_shared<Options>();
    auto* command =
        parent.add_subcommand("migrate", "Move machines to another host or datastore; they run on");
    command->add_option("VM", options->names, "the machines")->required();
    command->add_option("--host", options->host, "to this host")->type_name("HOST");
    command->add_option("--pool", options->pool, "into this resource pool")->type_name("POOL");
    command->add_option("--datastore", options->datastore, "their files to this datastore")
        ->type_name("DATASTORE");
    command->add_flag("--check", options->check, "only say what would stand in the way");
    command->footer(R"(
Examples:
  drover vm migrate web1 --host host2
  drover vm migrate web1 db1 --datastore fast
  drover vm migrate web1 --host host3 --check)");
    command->callback([&context, options] {
        if (options->host.empty() && options->pool.empty() && options->datastore.empty()) {
            throw UsageError("vm migrate: say where to: --host, --pool or --datastore");
        }
        if (options->check) return check(context, *options);
        move(context, *options);
    });
}

}  // namespace drover::cli
