#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "host/context.hpp"
#include "host/datastores.hpp"
#include "host/machines/machines.hpp"
#include "storage/vm_lease.hpp"

namespace drover::host {

/// The leases by which hosts agree who runs a machine. A running machine's lease is this host's; it
/// is taken before the domain starts and given back after it has stopped.
class Leases {
public:
    explicit Leases(const HostContext& context) : context_(context) {}

    /// Takes the machine's lease. FileLocked names the host that holds it.
    task::Awaitable<void> acquire(MachinePtr machine);

    /// Gives the lease back if it is ours. A lease that can't be given back now (datastore gone) is
    /// logged: the reconciler tries again.
    task::Awaitable<void> release(MachinePtr machine);

    /// The same, but only if it still stands at `generation`: whoever decided that before another
    /// operation took the lease once more does not take it away from that one.
    task::Awaitable<void> release_at(MachinePtr machine, std::uint64_t generation);

    /// Whether this host held the lease when it was last up: then the machine ran here.
    task::Awaitable<bool> is_ours(MachinePtr machine);
    /// Whether another host holds it.
    task::Awaitable<bool> is_anothers(MachinePtr machine);
    /// The same as is_ours() of many machines of one datastore, with one visit to it. Unset where a
    /// lease can't be read: is_ours() says why.
    task::Awaitable<std::vector<std::optional<bool>>> are_ours(std::vector<MachinePtr> machines);

    /// Forgets the lease of a machine that is deleted.
    static storage::DatastorePath cell_of(const storage::DatastorePath& vmx);

private:
    task::Awaitable<void> give_back(MachinePtr machine, std::optional<std::uint64_t> generation);
    bool note(Machine& machine, const storage::LeaseState& now) const;
    storage::LeaseHolder self() const { return {context_.host_uuid, context_.config.host_name}; }

    const HostContext& context_;
};

}  // namespace drover::host
