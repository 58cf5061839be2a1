// Resource pools.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "cli/commands.hpp"
#include "cli/context.hpp"

namespace drover::cli {
namespace {

struct Options {
    std::string name;
    std::string parent;
    bool yes = false;
};

void list(Context& context) {
    auto& connection = context.connection();
    Table table({{"name", "NAME"},
                 {"id", "REFERENCE"},
                 {"path", "PATH"},
                 {"vms", "VMS"},
                 {"cpu_shares", "CPU SHARES"},
                 {"cpu_reservation_mhz", "CPU RES."},
                 {"memory_shares", "MEM SHARES"},
                 {"memory_reservation_mb", "MEM RES. (MB)"},
                 {"cpu_usage_mhz", "CPU USE"}});
    for (const auto& pool : client::retrieve(
             connection, vim::TypeId::ResourcePool,
             {"name", "vm", "config.cpuAllocation.shares.shares",
              "config.cpuAllocation.reservation", "config.memoryAllocation.shares.shares",
              "config.memoryAllocation.reservation", "runtime.cpu.overallUsage"})) {
        table.add({text_cell(pool.text("name")), text_cell(pool.object().id),
                   text_cell(client::inventory_path(connection, pool.object())),
                   number_cell(static_cast<std::int64_t>(pool.references("vm").size())),
                   number_cell(pool.integer("config.cpuAllocation.shares.shares")),
                   mhz_cell(pool.integer("config.cpuAllocation.reservation")),
                   number_cell(pool.integer("config.memoryAllocation.shares.shares")),
                   number_cell(pool.integer("config.memoryAllocation.reservation")),
                   mhz_cell(pool.integer("runtime.cpu.overallUsage"))});
    }
    table.sort_by(2);
    context.print(table);
}

void destroy(Context& context, const Options& options) {
    auto& connection = context.connection();
    const auto pool = client::find(connection, vim::TypeId::ResourcePool, options.name);
    confirm(context, options.yes,
            fmt::format("Remove {}? Its machines and pools go to the pool above.", pool.name));
    run_jobs(context, "removed", {{pool.name, [&connection, pool] {
                                       return connection.start("Destroy_Task", pool.reference);
                                   }}});
}

}  // namespace

void add_pool(CLI::App& parent, Context& context) {
    parent.add_subcommand("list", "All resource pools")->callback([&context] { list(context); });
    auto options = std::make_shared<Options>();
    auto* command = parent.add_subcommand("destroy", "Remove a pool");
    command->add_option("POOL", options->name, "which")->required();
    command->add_flag("-y,--yes", options->yes, "don't ask");
    command->callback([&context, options] { destroy(context, *options); });
}

}  // namespace drover::cli
