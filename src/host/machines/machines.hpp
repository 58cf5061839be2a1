#pragma once

// All machines that are registered on this host: their records, files and managed objects.

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "host/context.hpp"
#include "host/datastores.hpp"
#include "host/machines/interner.hpp"
#include "host/machines/machine.hpp"
#include "host/networks.hpp"
#include "host/references.hpp"
#include "machine/reconfigure.hpp"

namespace drover::host {

using MachinePtr = std::shared_ptr<Machine>;
struct MachineReading;

/// Belongs to the strand; what blocks runs in the queues of datastores and domains.
class Machines {
public:
    static constexpr std::string_view kRecordKind = "vm";  ///< in the store
    static constexpr std::uint64_t kVmxLimitBytes = 1 << 20;

    explicit Machines(const HostContext& context) : context_(context) {}

    /// Reads what is registered and shows it. Power states follow by Reconciler.
    task::Awaitable<void> start();

    MachinePtr find(const vim::MoRef& ref) const;
    /// Throws ManagedObjectNotFound.
    MachinePtr get(const vim::MoRef& ref) const;
    MachinePtr find_by_uuid(const hypervisor::DomainUuid& uuid) const;
    MachinePtr find_by_path(const storage::DatastorePath& path) const;
    MachinePtr find_by_name(std::string_view name) const;
    std::vector<MachinePtr> all() const;

    /// A number that no machine of this host ever had.
    task::Awaitable<VmId> next_id();

    /// The record that makes a machine registered.
    static store::Record record_of(const VmId& id, const storage::DatastorePath& path,
                                   bool is_template,
                                   const vim::MoRef& pool = references::root_pool);
    static void remove_record(store::Batch& batch, const VmId& id);
    /// Whether a machine is registered by this number, or with this .vmx file, says the store. They
    /// block. For sagas that end long after they began: what they know may belong to another by
    /// then.
    static bool has_record(const store::Store& store, const VmId& id);
    static bool has_record_of(const store::Store& store, const storage::DatastorePath& path);

    /// Adds a machine whose record is stored, reads its files and shows it.
    task::Awaitable<MachinePtr> add(VmId id, storage::DatastorePath path, bool is_template,
                                    vim::MoRef pool);
    /// The same for a machine that runs already: what the caller knows of that is set in it.
    task::Awaitable<void> admit(MachinePtr machine);
    /// Shows the machine in another pool; the caller has stored it.
    void move_to_pool(const MachinePtr& machine, const vim::MoRef& pool);
    /// Takes a machine out of the inventory. Its record must be gone.
    void remove(const MachinePtr& machine);

    /// Reads the .vmx file and what its disks are. A file that can't be used becomes the machine's
    /// `problem`, not an exception.
    task::Awaitable<void> load(MachinePtr machine);
    /// Makes the configuration anew from the file as it was read last: `connected` has changed.
    void derive_again(Machine& machine);
    /// What there is to know for reading a .vmx file: datastores, networks, and its disks.
    task::Awaitable<machine::ReadContext> read_context(storage::DatastorePath path,
                                                       vmx::VmxFile file,
                                                       std::vector<std::string> more_disks = {});
    /// Writes the file to the datastore and makes it the machine's. Does not publish.
    task::Awaitable<void> store_file(MachinePtr machine, vmx::VmxFile file);
    /// Reads and parses a .vmx. Throws StorageError or InvalidVmConfig.
    task::Awaitable<vmx::VmxFile> read_file(storage::DatastorePath path);

    /// MAC addresses that machines of this host have.
    std::set<std::string, std::less<>> macs_in_use() const;

    /// Shows the machine as it is now. On the strand, outside of transactions.
    void publish(const MachinePtr& machine);
    /// The same for many, in one commit.
    void publish_all(const std::vector<MachinePtr>& machines);
    /// Shows only what goes with its power and the guest; for frequent changes.
    void publish_runtime(const MachinePtr& machine);
    /// Only the quick statistics: of the first machines at once, of the rest soon after.
    void publish_quick_stats(const std::vector<MachinePtr>& machines);

private:
    struct Slice;
    MachinePtr from_record(const store::Record& record) const;
    task::Awaitable<void> load_slice(Slice& slice, std::size_t lane);
    /// Makes the objects of machines that were read, in one commit.
    void show_new(const std::vector<MachinePtr>& machines);

    /// For reading a .vmx file: the host's datastores and networks.
    machine::ReadContext known_places() const;
    task::Awaitable<void> adopt_file(MachinePtr machine, vmx::VmxFile file);
    void adopt(Machine& machine, MachineReading reading);
    static void note_failure(Machine& machine, const std::exception_ptr& error);
    /// Keeps by_uuid_ true after a change of the machine's uuid, and when it goes.
    void index(const MachinePtr& machine);
    void forget_uuid(const MachinePtr& machine);
    void show(model::Transaction& transaction, const Machine& machine);
    void create_object(model::Transaction& transaction, const Machine& machine);

    const HostContext& context_;
    std::map<std::string, MachinePtr> machines_;  // by id
    std::unordered_map<hypervisor::DomainUuid, MachinePtr> by_uuid_;
    Interner interner_;  // of configurations
};

}  // namespace drover::host
