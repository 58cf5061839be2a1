// The transfer itself: what the engine is told, and how its progress is watched.

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "host/cpu/seen_cpu.hpp"
#include "host/faults.hpp"
#include "host/machines/domain.hpp"
#include "host/migration/convergence.hpp"
#include "host/migration/departures.hpp"

namespace drover::host {

using hypervisor::MigrationPhase;
using hypervisor::MigrationProgress;
using hypervisor::MigrationSpec;
using storage::DatastorePath;
using task::Awaitable;
using OutgoingPtr = std::shared_ptr<Outgoing>;

namespace {

// The engine gives up by itself when nothing moves any more.
constexpr std::chrono::hours kTransferLimit{24 * 7};
constexpr std::chrono::milliseconds kLookInterval{500};
constexpr std::chrono::seconds kCallLimit{30};
constexpr unsigned kMostConnections = 16;

std::string in_words(const MigrationProgress& progress) {
    const auto mib = [](std::uint64_t bytes) { return bytes >> 20; };
    switch (progress.phase) {
        case MigrationPhase::preparing:
            return "Preparing the other host";
        case MigrationPhase::copying_disks:
            return fmt::format("Copying the disks: {} of {} MiB", mib(progress.transferred_bytes),
                               mib(progress.total_bytes));
        case MigrationPhase::copying_memory:
            return fmt::format("Copying the memory: {} of {} MiB are left, pass {}",
                               mib(progress.memory_remaining_bytes),
                               mib(progress.memory_total_bytes), progress.iteration);
        case MigrationPhase::post_copy:
            return "The guest runs on the other host and fetches the rest of its memory";
        case MigrationPhase::completing:
            return "Switching over";
    }
    return {};
}

int percent(const MigrationProgress& progress) {
    if (progress.total_bytes == 0) return 0;
    const double left =
        static_cast<double>(progress.remaining_bytes) / static_cast<double>(progress.total_bytes);
    return static_cast<int>(99.0 * std::clamp(1.0 - left, 0.0, 1.0));
}

std::string prefix_of(const DatastoreEntry& entry) {
    return entry.store->host_path(*DatastorePath::make(entry.name, "")).string();
}

void add_paths(const HostContext& context, const Machine& machine,
               const vim::DroverMigrationTicket& ticket, MigrationSpec& spec) {
    spec.paths[context.config.state_directory.string()] = ticket.statePrefix();
    const auto path = DatastorePath::parse(ticket.path());
    for (const auto& there : ticket.datastore()) {
        for (const auto& here : context.datastores.all()) {
            if (here->info.uuid == there.uuid()) spec.paths[prefix_of(*here)] = there.prefix();
        }
        if (!ticket.movesStorage() || !path || path->datastore() != there.name()) continue;
        // The machine's own directory goes to its new place, whatever else is shared.
        const DatastoreEntry& home = context.datastores.of_path(machine.path);
        spec.paths[home.store->host_path(machine.path.parent()).string()] =
            fmt::format("{}/{}", there.prefix(), path->parent().relative());
    }
}

}  // namespace

/// What the watcher of a transfer shares with it.
struct Departures::Watch {
    hypervisor::DomainUuid uuid;
    std::string queue;
    task::TaskContextPtr task;
    bool may_post_copy = false;
    bool over = false;
};

MigrationSpec Departures::make_spec(const Machine& machine,
                                    const vim::DroverMigrationTicket& ticket,
                                    const vim::DroverMigrationOptions& options) const {
    MigrationSpec spec;
    spec.destination_address = ticket.address();
    spec.tls_name = ticket.tlsName();
    spec.unencrypted = ticket.ca().empty() && context_.config.simulation.has_value();
    add_paths(context_, machine, ticket, spec);
    for (const auto& there : ticket.network()) {
        const NetworkEntry* here = context_.networks.find(there.name());
        if (here != nullptr) spec.bridges[here->bridge] = there.bridge();
    }
    for (const auto& copy : ticket.copy()) {
        spec.disks_to_copy.push_back({std::string(copy.target()), std::string(copy.file()),
                                      hypervisor::ImageFormat::raw, false});
    }
    spec.metadata = std::map<std::string, std::string>{
        {std::string(kMetadataVmx), std::string(ticket.path())},
        {std::string(kMetadataGeneration), std::to_string(machine.lease_generation + 1)},
        {std::string(kMetadataHost), std::string(ticket.hostUuid())}};
    // What the guest has seen goes with it.
    if (std::string seen = seen_cpu_text(machine); !seen.empty()) {
        spec.metadata->emplace(kMetadataCpu, std::move(seen));
    }
    // drover-had lets it run over there: the engine leaves it standing still.
    if (is_guarded(machine)) {
        spec.metadata->emplace(kMetadataMonitor, std::string(ticket.monitor().value_or("")));
    } else if (ticket.monitor() && has_spare_monitor(machine)) {
        spec.metadata->emplace(kMetadataSpareMonitor, std::string(*ticket.monitor()));
    }
    spec.cgroup_partition = std::string(ticket.cgroupPartition().value_or(""));
    // Of a guest that runs on both sides neither host alone can say whose it is.
    spec.post_copy = ticket.postCopy() && !is_guarded(machine);
    if (!options) return spec;
    spec.auto_converge = options.autoConverge().value_or(spec.auto_converge);
    spec.post_copy = spec.post_copy && options.postCopy().value_or(true);
    if (const auto limit = options.bandwidthBytesPerSecond(); limit && *limit > 0) {
        spec.bandwidth_bytes_per_s = static_cast<std::uint64_t>(*limit);
    }
    if (const auto count = options.parallelConnections(); count && *count > 0) {
        spec.parallel_connections = std::min(static_cast<unsigned>(*count), kMostConnections);
    }
    if (const auto limit = options.downtimeLimitMs(); limit && *limit > 0) {
        spec.downtime_limit = std::chrono::milliseconds(*limit);
    }
    return spec;
}

Awaitable<hypervisor::MigrationResult> Departures::send(MachinePtr machine, OutgoingPtr outgoing,
                                                        vim::DroverMigrationDestination destination,
                                                        vim::DroverMigrationOptions options,
                                                        task::TaskContextPtr task) {
    const auto ticket = destination.ticket();
    auto spec = make_spec(*machine, ticket, options);
    const auto way =
        parts_.transport.open_way(outgoing->url, outgoing->thumbprint, outgoing->ticket);
    spec.destination_socket = way->socket();
    parts_.transport.trust(outgoing->ticket, std::string(ticket.ca()));
    auto watched = std::make_shared<Watch>();
    watched->uuid = machine->uuid();
    watched->queue = "migration:" + machine->id.value();
    watched->task = task;
    watched->may_post_copy = spec.post_copy;
    task->on_cancel([this, watched] {
        if (watched->over) return;
        context_.runtime.spawn("cancel migration", cancel(watched->uuid, watched->queue));
    });
    context_.runtime.spawn("watch migration", watch(watched));
    hypervisor::MigrationResult moved;
    std::exception_ptr failure;
    try {
        task->check_cancelled();
        moved = co_await context_.runtime.blocking(
            watched->queue + ":transfer",
            [&engine = context_.hypervisor, uuid = machine->uuid(), spec] {
                return engine.migrate(uuid, spec);
            },
            kTransferLimit);
    } catch (...) {
        failure = std::current_exception();
    }
    watched->over = true;
    task->on_cancel({});
    parts_.transport.forget(outgoing->ticket);
    if (failure) std::rethrow_exception(failure);
    co_return moved;
}

Awaitable<void> Departures::watch(std::shared_ptr<Watch> watch) {
    Convergence convergence;
    while (true) {
        co_await context_.runtime.sleep(kLookInterval);
        if (watch->over) co_return;
        // It may have been asked for before the engine had begun.
        if (watch->task->cancelled()) co_await cancel(watch->uuid, watch->queue);
        const auto progress = co_await context_.runtime.blocking(
            watch->queue,
            [&engine = context_.hypervisor, uuid = watch->uuid] {
                return engine.migration_progress(uuid);
            },
            kCallLimit);
        if (watch->over) co_return;
        if (!progress) continue;
        watch->task->set_progress(percent(*progress));
        watch->task->set_description(in_words(*progress));
        if (!watch->may_post_copy || !convergence.look(*progress)) continue;
        base::log_info("the migration of {} does not converge: it goes on as post-copy",
                       watch->uuid.value());
        try {
            co_await context_.runtime.blocking(
                watch->queue,
                [&engine = context_.hypervisor, uuid = watch->uuid] {
                    engine.start_post_copy(uuid);
                },
                kCallLimit);
        } catch (const hypervisor::HypervisorError& error) {
            base::log_warning("no post-copy for {}: {}", watch->uuid.value(), error.what());
        }
    }
}

Awaitable<void> Departures::cancel(hypervisor::DomainUuid uuid, std::string queue) {
    co_await context_.runtime.blocking(
        queue, [&engine = context_.hypervisor, uuid] { engine.cancel_migration(uuid); },
        kCallLimit);
}

}  // namespace drover::host
