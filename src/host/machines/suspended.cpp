#include "host/machines/suspended.hpp"

namespace drover::host {

using task::Awaitable;

namespace {

constexpr std::chrono::seconds kDomainLimit{180};

}  // namespace

storage::DatastorePath suspend_file(const storage::DatastorePath& vmx) {
    std::string name = vmx.file_name();
    if (name.ends_with(".vmx")) name.resize(name.size() - 4);
    return *vmx.parent().child(name + ".vmss");
}

Awaitable<void> remove_suspend_file(const HostContext& context, storage::DatastorePath vmx) {
    co_await context.datastores.run(
        context.datastores.of_path(vmx), [image = suspend_file(vmx)](storage::Datastore& store) {
            try {
                store.blobs().remove(image);
            } catch (const storage::StorageError& error) {
                if (error.kind() != storage::StorageErrorKind::not_found) throw;
            }
        });
}

// The image goes first: a file whose image is gone is seen to be off, but an image that no file
// names would be taken for a suspend that was cut off at its end.
Awaitable<void> forget_suspend(const HostContext& context, Machines& machines, MachinePtr machine) {
    co_await remove_suspend_file(context, machine->path);
    machine->suspended = false;
    vmx::VmxFile file = machine->file;
    file.remove(kSuspendKey);
    co_await machines.store_file(machine, std::move(file));
    co_await machines.load(machine);  // its files are others now
}

// The guest must not run a single instruction while its old memory could still be resumed: that
// memory knows nothing of what is on the disks by then. So the domain waits until the image is
// gone. A domain whose file still says "suspended" is one that a crash has left in between.
Awaitable<void> finish_resume(const HostContext& context, Machines& machines, MachinePtr machine) {
    co_await forget_suspend(context, machines, machine);
    machine->domain = co_await context.runtime.blocking(
        machine->domain_queue(),
        [&hypervisor = context.hypervisor, uuid = machine->uuid()] {
            hypervisor.resume(uuid);
            return hypervisor.find(uuid);
        },
        kDomainLimit);
}

}  // namespace drover::host
