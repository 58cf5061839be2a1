#include "host/machines/leases.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "host/availability/availability.hpp"
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

namespace {

// drover-had keeps it: whatever it says is its business alone. Unless nothing is protected on this
// host: then what is left of an earlier time is an ordinary lease.
bool is_kept_by_ha(const Config& config, storage::CompareAndSwap& cells,
                   const storage::DatastorePath& cell) {
    if (!is_protected_host(config)) return false;
    const auto lease = nlohmann::json::parse(cells.read(cell).content, nullptr, false);
    return lease.is_object() && lease.contains("ha") && lease["ha"].is_object() &&
           lease["ha"].contains("wanted") && lease["ha"]["wanted"] == true;
}

}  // namespace

Awaitable<void> Leases::acquire(MachinePtr machine) {
    DatastoreEntry& entry = context_.datastores.of_path(machine->path);
    const auto result = co_await context_.datastores.run(
        entry, [cell = cell_of(machine->path), who = self(), &clock = context_.runtime.clock(),
                &config = context_.config](storage::Datastore& store) {
            VmLease lease(store.compare_and_swap(), clock, cell);
            const LeaseState now = lease.read();
            if (is_kept_by_ha(config, store.compare_and_swap(), cell)) {
                return storage::LeaseResult{false, now};
            }
            return lease.acquire(now.generation, who);
        });
    if (!result.won && (!result.current.is_held() || result.current.owner == self().id)) {
        throw vim::make_fault<vim::InvalidState>(
            "The machine is protected by high availability, and drover-had does not answer.");
    }
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
                    &clock = context_.runtime.clock(),
                    &config = context_.config](storage::Datastore& store) {
                VmLease lease(store.compare_and_swap(), clock, cell);
                const LeaseState now = lease.read();
                if (now.owner != who.id) return true;
                if (is_kept_by_ha(config, store.compare_and_swap(), cell)) return false;
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
    co_return note(*machine, now);
}

Awaitable<bool> Leases::is_anothers(MachinePtr machine) {
    DatastoreEntry& entry = context_.datastores.of_path(machine->path);
    const LeaseState now = co_await context_.datastores.run(
        entry, [cell = cell_of(machine->path),
                &clock = context_.runtime.clock()](storage::Datastore& store) {
            return VmLease(store.compare_and_swap(), clock, cell).read();
        });
    // A machine that high availability has just let in runs before its lease is claimed.
    co_return now.is_held() &&
        now.owner != context_.host_uuid&& now.successor != context_.host_uuid;
}

Awaitable<std::vector<std::optional<bool>>> Leases::are_ours(std::vector<MachinePtr> machines) {
    std::vector<std::optional<bool>> ours(machines.size());
    if (machines.empty()) co_return ours;
    std::vector<storage::DatastorePath> cells;
    for (const MachinePtr& machine : machines) cells.push_back(cell_of(machine->path));
    const auto states = co_await context_.datastores.run(
        context_.datastores.of_path(machines.front()->path),
        [cells, &clock = context_.runtime.clock()](storage::Datastore& store) {
            std::vector<std::optional<LeaseState>> found(cells.size());
            for (std::size_t i = 0; i < cells.size(); ++i) {
                try {
                    found[i] = VmLease(store.compare_and_swap(), clock, cells[i]).read();
                } catch (const storage::StorageError&) {
                    continue;
                }
            }
            return found;
        });
    for (std::size_t i = 0; i < machines.size(); ++i) {
        if (states[i]) ours[i] = note(*machines[i], *states[i]);
    }
    co_return ours;
}

bool Leases::note(Machine& machine, const LeaseState& now) const {
    if (now.owner != context_.host_uuid) return false;
    machine.lease_generation = now.generation;
    return true;
}

}  // namespace drover::host
