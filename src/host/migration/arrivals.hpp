#pragma once

// The destination's side of a migration: machines that are to come, from the ticket to the moment
// at which the host owns them.
//
// Who owns a machine says its lease alone, so everything here may be repeated, and a crash at any
// moment leaves nothing but a record that settle() looks at again: the machine is here and the
// lease is ours to take -> it is registered; the lease is somebody else's -> nothing of it stays.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/availability/availability.hpp"
#include "host/machines/leases.hpp"
#include "host/machines/machines.hpp"
#include "host/migration/handover.hpp"
#include "host/migration/transport.hpp"
#include "vim/migration_types.hpp"

namespace drover::host {

/// A machine that is to come.
struct Incoming {
    VmId id;
    std::string ticket;
    vim::DroverMigrationSpec spec;
    storage::DatastorePath path;  ///< of the .vmx file, here
    bool moves_storage = false;   ///< its directory was made for it
    bool begun = false;           ///< the ticket is used
    base::WallTime expires{};     ///< unless it is used by then
    bool finish_asked = false;    ///< the source says that it is here
    bool settling = false;
    bool over = false;
    bool was_named = false;  ///< guarded: the lease has named this host
    bool was_here = false;   ///< guarded: its engine's process has been seen

    hypervisor::DomainUuid uuid() const { return hypervisor::DomainUuid(std::string(spec.uuid())); }
    /// High availability holds its lease and lets it run.
    bool guarded() const { return spec.guarded().value_or(false); }
    bool runs() const { return spec.powerState() == vim::VirtualMachinePowerState::poweredOn; }
};

using IncomingPtr = std::shared_ptr<Incoming>;

/// Belongs to the strand.
class Arrivals {
public:
    static constexpr std::string_view kRecordKind = "migration.in";
    /// What has come, by ticket: a source that was down asks again.
    static constexpr std::string_view kDoneKind = "migration.done";
    static constexpr std::chrono::hours kDoneKept{24};
    static constexpr std::chrono::seconds kTicketLife{30};
    static constexpr std::size_t kMostAtOnce = 4;
    static constexpr std::size_t kMostCopiesOfDatastore = 8;

    struct Parts {
        const HostContext& context;
        Machines& machines;
        HandOver& handover;
        Availability& availability;
        const MigrationTransport& transport;
        std::function<void()> admission;                 ///< throws if the host takes no machines
        std::function<void(const Machine&)> room;        ///< throws if it can't reserve so much
        std::function<void(const MachinePtr&)> arrived;  ///< it runs here from now on
    };

    explicit Arrivals(Parts parts) : parts_(std::move(parts)), context_(parts_.context) {}

    /// Takes up what the last run left. After the machines are read, before the reconciler.
    task::Awaitable<void> start();

    /// Every reason why the machine can't come; none if it can.
    task::Awaitable<std::vector<vim::Fault>> check(vim::DroverMigrationSpec spec,
                                                   vim::DroverMigrationPlacement placement);
    task::Awaitable<vim::DroverMigrationTicket> prepare(vim::DroverMigrationSpec spec,
                                                        vim::DroverMigrationPlacement placement);
    /// Of a machine that high availability guards: the epoch in which it is awaited.
    task::Awaitable<std::optional<std::uint64_t>> begin(std::string ticket);
    /// `word` is of such a machine: by it the machine is let go here.
    task::Awaitable<vim::DroverMigrationArrival> finish(
        std::string ticket, std::optional<Availability::Word> word = std::nullopt);
    task::Awaitable<bool> abort(std::string ticket);

    /// Whether a connection that shows this ticket leads to the engine. Strand.
    bool admits(const std::string& ticket) const;

    /// Where the file of a machine that is coming lies; for the transfer of its files. Throws
    /// NotFound.
    IncomingPtr get(const std::string& ticket) const;

private:
    // arrivals.cpp
    task::Awaitable<void> watch();
    task::Awaitable<void> settle(IncomingPtr incoming, bool calls_off = false);
    task::Awaitable<void> call_off(IncomingPtr incoming);
    task::Awaitable<void> settle_now(IncomingPtr incoming);
    task::Awaitable<void> settle_here(IncomingPtr incoming,
                                      std::optional<hypervisor::DomainInfo> domain);
    task::Awaitable<void> admit(IncomingPtr incoming, std::uint64_t generation,
                                std::optional<hypervisor::DomainInfo> domain);
    task::Awaitable<void> load_done();
    void post_event(const Incoming& incoming, const Machine& machine) const;
    task::Awaitable<void> drop(IncomingPtr incoming, std::string why);
    task::Awaitable<void> destroy_domain(IncomingPtr incoming);
    task::Awaitable<std::optional<hypervisor::DomainInfo>> find_domain(IncomingPtr incoming);
    // guarded_arriving.cpp: machines that high availability lets run
    void check_guarded(const vim::DroverMigrationSpec& spec,
                       const vim::DroverMigrationPlacement& placement,
                       std::vector<vim::Fault>& reasons) const;
    MachinePtr stale_copy_of(const vim::DroverMigrationSpec& spec) const;
    task::Awaitable<std::uint64_t> await_guarded(IncomingPtr incoming);
    task::Awaitable<void> let_in(IncomingPtr incoming, Availability::Word word);
    task::Awaitable<void> settle_guarded(IncomingPtr incoming,
                                         std::optional<hypervisor::DomainInfo> domain);
    task::Awaitable<void> refuse(IncomingPtr incoming, std::string why);
    task::Awaitable<std::optional<hypervisor::DomainInfo>> find_running(IncomingPtr incoming);

    void handle(const hypervisor::Event& event);
    task::Awaitable<void> store(store::Batch batch);
    static store::Record record_of(const Incoming& incoming);
    IncomingPtr from_record(const store::Record& record) const;
    storage::LeaseHolder source_of(const Incoming& incoming) const;

    // admission.cpp
    void check_host(const vim::DroverMigrationSpec& spec, std::vector<vim::Fault>& reasons) const;
    void check_duplicates(const vim::DroverMigrationSpec& spec,
                          std::vector<vim::Fault>& reasons) const;
    void check_storage(const vim::DroverMigrationSpec& spec, bool moves,
                       std::vector<vim::Fault>& reasons) const;
    void check_networks(const vim::DroverMigrationSpec& spec,
                        std::vector<vim::Fault>& reasons) const;
    void check_placement(const vim::DroverMigrationSpec& spec,
                         const vim::DroverMigrationPlacement& placement,
                         std::vector<vim::Fault>& reasons) const;
    void check_cpu(const vim::DroverMigrationSpec& spec, std::vector<vim::Fault>& reasons) const;
    void check_room(const vim::DroverMigrationSpec& spec, std::vector<vim::Fault>& reasons) const;
    task::Awaitable<void> check_engine(vim::DroverMigrationSpec spec,
                                       std::vector<vim::Fault>& reasons);
    const DatastoreEntry* by_uuid(std::string_view uuid) const;

    // placing.cpp
    task::Awaitable<storage::DatastorePath> choose_place(vim::DroverMigrationSpec spec,
                                                         std::string datastore);
    task::Awaitable<std::vector<vim::DroverMigrationCopy>> make_files(IncomingPtr incoming);
    task::Awaitable<void> remove_files(IncomingPtr incoming);
    vim::DroverMigrationTicket make_ticket(const Incoming& incoming) const;

    struct Done {
        vim::DroverMigrationArrival arrival;
        base::WallTime when;
    };

    Parts parts_;
    const HostContext& context_;
    std::map<std::string, IncomingPtr> incoming_;  // by ticket
    std::map<std::string, Done> done_;             // likewise; for a source that asks again
    std::unique_ptr<hypervisor::Subscription> subscription_;
    bool watching_ = false;
};

/// Names of the files that the machine's disks and other devices get in a new directory: the .vmx
/// file's key -> name.
std::map<std::string, std::string> new_names(const vim::DroverMigrationSpec& spec);

}  // namespace drover::host
