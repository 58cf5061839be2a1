#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/ids.hpp"
#include "hypervisor/domain_info.hpp"
#include "machine/config.hpp"
#include "machine/layout.hpp"
#include "storage/datastore_path.hpp"
#include "vim/fault.hpp"
#include "vmx/vmx_file.hpp"

namespace drover::host {

/// A machine's number on this host; also its reference. It is never used again.
using VmId = base::StrongId<struct VmIdTag>;

/// One registered machine, as the host knows it. Belongs to the strand. The truth about its
/// hardware is the .vmx file, the truth about its power the hypervisor; this is what was last seen
/// of both.
struct Machine {
    VmId id;
    vim::MoRef ref;
    storage::DatastorePath path;  ///< of the .vmx file

    vmx::VmxFile file;
    machine::Disks disks;
    machine::Datastores datastores;           ///< as the file was read against
    std::vector<machine::MachineFile> files;  ///< in its directory, besides disks
    vim::VirtualMachineConfigInfo config;
    bool is_template = false;
    vim::MoRef pool{vim::TypeId::ResourcePool, "ha-root-pool"};  ///< of a template: where it was
    /// Why the .vmx file can't be used; empty if it can.
    std::string problem;
    bool datastore_accessible = true;

    /// Set while a domain runs (or is paused) for it.
    std::optional<hypervisor::DomainInfo> domain;
    std::optional<base::WallTime> boot_time;
    bool suspended = false;
    std::uint64_t lease_generation = 0;  ///< of the lease that we hold; 0 if we hold none

    /// Keys of removable devices that are connected now; only of a running machine.
    std::set<std::int32_t> connected;
    std::optional<hypervisor::GuestInfo> guest;
    vim::VirtualMachineQuickStats quick_stats;
    /// What the administrator must decide before the machine can go on.
    vim::VirtualMachineQuestionInfo question;

    /// The task that has the machine to itself; unset if none.
    std::optional<vim::MoRef> busy;

    hypervisor::DomainUuid indexed_uuid;  ///< by which Machines finds it

    bool is_usable() const { return problem.empty() && datastore_accessible; }
    vim::VirtualMachinePowerState power_state() const;
    /// The BIOS UUID, which names the domain.
    hypervisor::DomainUuid uuid() const;
    std::string name() const;
    std::string domain_queue() const { return "domain:" + id.value(); }
};

/// Has a machine to itself for as long as it lives: operations that change a machine never overlap.
class Exclusive {
public:
    /// Throws TaskInProgress if another task has the machine.
    Exclusive(std::shared_ptr<Machine> machine, const vim::MoRef& task);
    ~Exclusive();
    Exclusive(const Exclusive&) = delete;
    Exclusive& operator=(const Exclusive&) = delete;

private:
    std::shared_ptr<Machine> machine_;
};

/// Throws InvalidPowerState unless the machine is in the state that an operation needs.
void require_power_state(const Machine& machine, vim::VirtualMachinePowerState needed);

/// Throws InvalidState that says why, if the machine's file can't be used.
void require_usable(const Machine& machine);

}  // namespace drover::host
