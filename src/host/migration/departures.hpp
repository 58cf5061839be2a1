#pragma once

// The source's side of a migration: it drives. The steps are in a record, so that after a crash
// resolve() finds out whose the machine is by now and tidies up; it may be repeated at will.

#include <map>
#include <memory>
#include <string>

#include "host/availability/availability.hpp"
#include "host/machines/leases.hpp"
#include "host/machines/machines.hpp"
#include "host/migration/handover.hpp"
#include "host/migration/peer.hpp"
#include "host/migration/transport.hpp"
#include "vim/migration_types.hpp"

namespace drover::host {

/// A machine that leaves.
struct Outgoing {
    /// How far it came. Each is stored before what it names begins.
    enum class Phase {
        offered,  ///< the other host can't take it yet
        moving,   ///< it may
        sent,     ///< it has it, or nobody has: never back
    };

    VmId id;
    hypervisor::DomainUuid uuid;
    std::string name;
    storage::DatastorePath path;
    std::string url;
    std::string thumbprint;
    std::string ticket;
    std::string host_uuid;
    std::string host_name;
    bool moves_storage = false;
    bool guarded = false;  ///< high availability holds its lease
    Phase phase = Phase::offered;
};

/// Belongs to the strand.
class Departures {
public:
    static constexpr std::string_view kRecordKind = "migration.out";
    static constexpr std::size_t kMostAtOnce = 4;

    struct Parts {
        const HostContext& context;
        Machines& machines;
        Leases& leases;
        HandOver& handover;
        Availability& availability;
        const MigrationTransport& transport;
        /// Deletes a machine with its files, and survives a crash.
        std::function<task::Awaitable<void>(MachinePtr)> destroy;
    };

    explicit Departures(Parts parts) : parts_(std::move(parts)), context_(parts_.context) {}

    /// Takes up what the last run left. After the machines are read, before the reconciler: until
    /// it is known whose they are, the machines are busy.
    task::Awaitable<void> start();

    /// What PrepareMigration wants to know. Throws InvalidState and what the engine throws.
    task::Awaitable<vim::DroverMigrationSpec> describe(MachinePtr machine);

    /// MigrateMachine_Task. The machine is gone from here when it returns; if it throws it is here
    /// as before, or, as its fault then says, nobody knows yet.
    task::Awaitable<vim::DroverMigrationResult> migrate(MachinePtr machine,
                                                        vim::DroverMigrationDestination destination,
                                                        vim::DroverMigrationOptions options,
                                                        task::TaskContextPtr task);

private:
    enum class Whose { ours, theirs, unknown };

    // departures.cpp
    task::Awaitable<hypervisor::MigrationResult> leave(MachinePtr machine,
                                                       std::shared_ptr<Outgoing> outgoing,
                                                       vim::DroverMigrationDestination destination,
                                                       vim::DroverMigrationOptions options,
                                                       task::TaskContextPtr task);
    task::Awaitable<vim::DroverMigrationArrival> finish(
        std::shared_ptr<Outgoing> outgoing, std::optional<Availability::Word> word = std::nullopt);
    task::Awaitable<void> forget(std::shared_ptr<Outgoing> outgoing);
    task::Awaitable<void> note(std::shared_ptr<Outgoing> outgoing, Outgoing::Phase phase);
    task::Awaitable<void> store(store::Batch batch);
    void post_failure(const Machine& machine, const Outgoing& outgoing,
                      const std::exception_ptr& failure) const;
    static store::Record record_of(const Outgoing& outgoing);
    static std::shared_ptr<Outgoing> from_record(const store::Record& record);

    // resolve.cpp
    /// `is_theirs`: the other host has said so.
    task::Awaitable<Whose> resolve(std::shared_ptr<Outgoing> outgoing, MachinePtr machine,
                                   bool is_theirs = false);
    task::Awaitable<Whose> whose(std::shared_ptr<Outgoing> outgoing,
                                 std::optional<hypervisor::DomainInfo> domain);
    task::Awaitable<Whose> ask(std::shared_ptr<Outgoing> outgoing);
    task::Awaitable<void> keep(std::shared_ptr<Outgoing> outgoing, MachinePtr machine,
                               std::optional<hypervisor::DomainInfo> domain);
    task::Awaitable<void> lose(std::shared_ptr<Outgoing> outgoing, MachinePtr machine);
    task::Awaitable<void> resolve_later(std::shared_ptr<Outgoing> outgoing);
    task::Awaitable<void> call_off(std::shared_ptr<Outgoing> outgoing);
    task::Awaitable<std::optional<hypervisor::DomainInfo>> find_domain(
        std::shared_ptr<Outgoing> outgoing);
    task::Awaitable<void> end_domain(std::shared_ptr<Outgoing> outgoing);

    // guarded.cpp: machines that high availability lets run
    static void require_movable(const Machine& machine, const vim::DroverMigrationTicket& ticket);
    task::Awaitable<hypervisor::MigrationResult> leave_guarded(
        MachinePtr machine, std::shared_ptr<Outgoing> outgoing,
        vim::DroverMigrationDestination destination, vim::DroverMigrationOptions options,
        task::TaskContextPtr task);
    task::Awaitable<vim::DroverMigrationArrival> give(std::shared_ptr<Outgoing> outgoing);
    task::Awaitable<Whose> whose_guarded(std::shared_ptr<Outgoing> outgoing, bool is_here);
    task::Awaitable<Whose> give_again(std::shared_ptr<Outgoing> outgoing);
    task::Awaitable<void> keep_guarded(std::shared_ptr<Outgoing> outgoing);

    // sending.cpp
    task::Awaitable<hypervisor::MigrationResult> send(MachinePtr machine,
                                                      std::shared_ptr<Outgoing> outgoing,
                                                      vim::DroverMigrationDestination destination,
                                                      vim::DroverMigrationOptions options,
                                                      task::TaskContextPtr task);
    hypervisor::MigrationSpec make_spec(const Machine& machine,
                                        const vim::DroverMigrationTicket& ticket,
                                        const vim::DroverMigrationOptions& options) const;
    struct Watch;
    task::Awaitable<void> watch(std::shared_ptr<Watch> watch);
    task::Awaitable<void> cancel(hypervisor::DomainUuid uuid, std::string id);

    Parts parts_;
    const HostContext& context_;
    std::size_t under_way_ = 0;
};

}  // namespace drover::host
