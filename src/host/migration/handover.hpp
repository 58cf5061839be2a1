#pragma once

#include <cstdint>
#include <string>

#include "host/context.hpp"
#include "host/datastores.hpp"
#include "storage/vm_lease.hpp"

namespace drover::host {

/// What the two hosts of a migration do with the machine's lease. `vmx` is the .vmx file beside
/// which it lies. All throw StorageError and BlockingTimeout when the datastore does not answer;
/// whether the change happened is then not known.
class HandOver {
public:
    explicit HandOver(const HostContext& context) : context_(context) {}

    task::Awaitable<storage::LeaseState> read(storage::DatastorePath vmx);

    /// Names the host that gets the machine next. Takes the lease first if nobody has it. Throws
    /// FileLocked if another host has it. The lease's generation.
    task::Awaitable<std::uint64_t> offer(storage::DatastorePath vmx, std::string successor);

    /// The source's: nobody is the successor any more. False if another host has the machine: then
    /// it is over, whatever this host still runs. True also for a lease that nobody has.
    task::Awaitable<bool> take_back(storage::DatastorePath vmx);

    /// The destination's: takes the lease if it names this host. The new generation; 0 if it does
    /// not name this host (any more).
    task::Awaitable<std::uint64_t> accept(storage::DatastorePath vmx);

    /// Nobody's, if it is this host's.
    task::Awaitable<void> release(storage::DatastorePath vmx);

    /// Where the hosts share no datastore the destination keeps the lease that decides: it begins
    /// as the source's, which offers the machine ...
    task::Awaitable<void> place(storage::DatastorePath vmx, storage::LeaseHolder source);
    /// ... and takes the offer back when it asks for that. False if it was accepted before.
    task::Awaitable<bool> withdraw(storage::DatastorePath vmx, storage::LeaseHolder source);

    bool is_me(const std::string& id) const { return id == context_.host_uuid; }

private:
    template <class Work>
    auto with_lease(storage::DatastorePath vmx, Work work)
        -> task::Awaitable<std::invoke_result_t<Work&, storage::VmLease&>>;
    storage::LeaseHolder self() const { return {context_.host_uuid, context_.config.host_name}; }

    const HostContext& context_;
};

}  // namespace drover::host
