#include "host/machines/leases.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "host/faults.hpp"

namespace drover::host {

using storage::LeaseState;
using storage::VmLease;
using task::Awaitable;

storage::DatastorePath Leases::cell_of(const storage::DatastorePath& vmx) {
    std::string name = vmx.file_name();
    if (name.ends_with(".vmx")) name.resize(name.size() - 4);
    return *vmx.parent().child(name + ".lease");
}

Awaitable<void> Leases::acquire(MachinePtr machine) {
    DatastoreEntry& entry = context_.datastores.of_path(machine->path);
    const auto result = co_await context_.datastores.run(
        entry, [cell = cell_of(machine->path), who = self(),
                &clock = context_.runtime.clock()](storage::Datastore& store) {
            VmLease lease(store.compare_and_swap(), clock, cell);
            return lease.acquire(lease.read().generation, who);
        });
    if (!result.won) {
        auto fault = vim::FileLocked::make();
        fault.set_file(machine->path.to_string());
        const std::string& owner = result.current.owner_name;
        throw vim::Fault(fault, fmt::format("The machine {} is in use by the host {}.",
                                            machine->path.to_string(),
                                            owner.empty() ? result.current.owner : owner));
    }
    machine->lease_generation = result.current.generation;
}

Awaitable<void> Leases::release(MachinePtr machine) {
    co_await give_back(std::move(machine), std::nullopt);
}

Awaitable<void> Leases::release_at(MachinePtr machine, std::uint64_t generation) {
    co_await give_back(std::move(machine), generation);
}

Awaitable<void> Leases::give_back(MachinePtr machine, std::optional<std::uint64_t> generation) {
    try {
        DatastoreEntry& entry = context_.datastores.of_path(machine->path);
        const bool released = co_await context_.datastores.run(
            entry, [cell = cell_of(machine->path), who = self(), generation,
                    &clock = context_.runtime.clock()](storage::Datastore& store) {
                VmLease lease(store.compare_and_swap(), clock, cell);
                const LeaseState now = lease.read();
                if (now.owner != who.id) return true;
                return lease.release(generation.value_or(now.generation), who).won;
            });
        if (released) machine->lease_generation = 0;
    } catch (...) {
        base::log_warning("machine {}: its lease could not be given back: {}", machine->id.value(),
                          fault_of(std::current_exception()).message());
    }
}

Awaitable<bool> Leases::is_ours(MachinePtr machine) {
    DatastoreEntry& entry = context_.datastores.of_path(machine->path);
    const LeaseState now = co_await context_.datastores.run(
        entry, [cell = cell_of(machine->path),
                &clock = context_.runtime.clock()](storage::Datastore& store) {
            return VmLease(store.compare_and_swap(), clock, cell).read();
        });
    if (now.owner != context_.host_uuid) co_return false;
    machine->lease_generation = now.generation;
    co_return true;
}

}  // namespace drover::host
