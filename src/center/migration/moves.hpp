#pragma once

#include <functional>
#include <string>
#include <vector>

#include "center/migration/checks.hpp"
#include "center/migration/slots.hpp"

namespace drover::center {

/// Moves machines between hosts. Belongs to the strand.
class Moves {
public:
    /// Migrations that a host takes part in at a time; the hosts themselves bound it likewise.
    static constexpr std::size_t kAtATime = 4;

    explicit Moves(MigrationParts parts) : parts_(parts), slots_(parts.context.runtime, kAtATime) {}
    Moves(const Moves&) = delete;
    Moves& operator=(const Moves&) = delete;

    /// Moves a machine, whatever its power state, and comes back when it is shown at its new place.
    /// A wish that changes nothing is no error. Throws what check_move() finds, and the hosts'
    /// faults; then the machine is where it was. `task` shows the progress and may be cancelled.
    /// `drs_reason`: DRS wanted it, for this reason, and its event says so.
    task::Awaitable<void> move(vim::MoRef machine, Destination wish, std::string user,
                               task::TaskContextPtr task, std::string drs_reason = {});

    /// Called when a machine has come to another host, with what its migration took.
    using Moved = std::function<void(const vim::MoRef&, const vim::DroverMigrationResult&)>;
    void on_moved(Moved callback) { moved_.push_back(std::move(callback)); }

    const MigrationParts& parts() const { return parts_; }

private:
    task::Awaitable<void> between_hosts(vim::MoRef machine, Destination to,
                                        task::TaskContextPtr task);
    /// To other datastores of the host that it is on: the host's own work.
    task::Awaitable<void> within_host(vim::MoRef machine, Destination to,
                                      task::TaskContextPtr task);
    task::Awaitable<vim::DroverMigrationTicket> prepare(vim::MoRef machine, Destination to);
    task::Awaitable<void> abort(vim::MoRef host, std::string ticket);

    MigrationParts parts_;
    Slots slots_;
    std::vector<Moved> moved_;
};

/// What a RelocateSpec asks for. InvalidArgument for what no center can do.
Destination destination_of(const MigrationParts& parts, const vim::MoRef& machine,
                           const vim::VirtualMachineRelocateSpec& spec);

/// MigrateVM_Task and RelocateVM_Task.
void serve_move_methods(Moves& moves);
/// VirtualMachineProvisioningChecker, QueryVMotionCompatibility, ValidateMigration.
void serve_checker(Moves& moves);

}  // namespace drover::center
