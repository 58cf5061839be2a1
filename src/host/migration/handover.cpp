#include "host/migration/handover.hpp"

#include <fmt/format.h>

#include "host/machines/leases.hpp"

namespace drover::host {

using storage::DatastorePath;
using storage::LeaseHolder;
using storage::LeaseState;
using storage::VmLease;
using task::Awaitable;

namespace {

// Each lost swap means that somebody else has changed the lease; nobody does that for long.
constexpr int kMostTries = 8;

storage::StorageError too_busy(const DatastorePath& vmx) {
    return {storage::StorageErrorKind::locked, vmx.to_string(),
            "the machine's lease keeps changing"};
}

}  // namespace

template <class Work>
auto HandOver::with_lease(DatastorePath vmx, Work work)
    -> Awaitable<std::invoke_result_t<Work&, VmLease&>> {
    DatastoreEntry& entry = context_.datastores.of_path(vmx);
    co_return co_await context_.datastores.run(
        entry, [cell = Leases::cell_of(vmx), &clock = context_.runtime.clock(),
                work = std::move(work)](storage::Datastore& store) mutable {
            VmLease lease(store.compare_and_swap(), clock, cell);
            return work(lease);
        });
}

Awaitable<LeaseState> HandOver::read(DatastorePath vmx) {
    co_return co_await with_lease(std::move(vmx), [](VmLease& lease) { return lease.read(); });
}

Awaitable<std::uint64_t> HandOver::offer(DatastorePath vmx, std::string successor) {
    co_return co_await with_lease(vmx, [vmx, successor, me = self()](VmLease& lease) {
        for (int i = 0; i < kMostTries; ++i) {
            LeaseState now = lease.read();
            if (!now.is_held()) now = lease.acquire(now.generation, me).current;
            if (now.owner != me.id) {
                auto fault = vim::FileLocked::make();
                fault.set_file(vmx.to_string());
                throw vim::Fault(fault, fmt::format("The machine {} is in use by the host {}.",
                                                    vmx.to_string(), now.owner_name));
            }
            const auto offered = lease.set_successor(now.generation, me, successor);
            if (offered.won) return offered.current.generation;
        }
        throw too_busy(vmx);
    });
}

Awaitable<bool> HandOver::take_back(DatastorePath vmx) {
    co_return co_await with_lease(vmx, [vmx, me = self()](VmLease& lease) {
        for (int i = 0; i < kMostTries; ++i) {
            const LeaseState now = lease.read();
            if (!now.is_held() || (now.owner == me.id && now.successor.empty())) return true;
            if (now.owner != me.id) return false;
            if (lease.set_successor(now.generation, me, {}).won) return true;
        }
        throw too_busy(vmx);
    });
}

Awaitable<std::uint64_t> HandOver::accept(DatastorePath vmx) {
    co_return co_await with_lease(vmx, [vmx, me = self()](VmLease& lease) -> std::uint64_t {
        for (int i = 0; i < kMostTries; ++i) {
            const LeaseState now = lease.read();
            if (now.owner == me.id) return now.generation;
            if (now.successor != me.id) return 0;
            const auto taken = lease.acquire(now.generation, me);
            if (taken.won) return taken.current.generation;
        }
        throw too_busy(vmx);
    });
}

Awaitable<void> HandOver::release(DatastorePath vmx) {
    co_await with_lease(vmx, [me = self()](VmLease& lease) {
        const LeaseState now = lease.read();
        if (now.owner == me.id) lease.release(now.generation, me);
    });
}

Awaitable<void> HandOver::place(DatastorePath vmx, LeaseHolder source) {
    co_await with_lease(vmx, [vmx, source, me = self()](VmLease& lease) {
        const auto taken = lease.acquire(lease.read().generation, source);
        const auto offered = lease.set_successor(taken.current.generation, source, me.id);
        if (!taken.won || !offered.won) throw too_busy(vmx);
    });
}

Awaitable<bool> HandOver::withdraw(DatastorePath vmx, LeaseHolder source) {
    co_return co_await with_lease(vmx, [vmx, source](VmLease& lease) {
        for (int i = 0; i < kMostTries; ++i) {
            const LeaseState now = lease.read();
            if (now.owner != source.id || now.successor.empty()) return now.owner == source.id;
            if (lease.set_successor(now.generation, source, {}).won) return true;
        }
        throw too_busy(vmx);
    });
}

}  // namespace drover::host
