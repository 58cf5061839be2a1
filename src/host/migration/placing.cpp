// A machine that comes with its storage: its new directory, empty disks for the engine to fill, and
// a .vmx file that names them. And what the source is told of this host.

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "base/log.hpp"
#include "host/faults.hpp"
#include "host/migration/arrivals.hpp"

namespace drover::host {

using storage::DatastorePath;
using task::Awaitable;

namespace {

constexpr int kMostNameTries = 100;
constexpr std::chrono::minutes kDiskLimit{60};

DatastorePath relative_path(const std::string& datastore, std::string_view relative) {
    auto path = DatastorePath::make(datastore, relative);
    if (!path) throw vim::invalid_argument("spec.path", path.error());
    return *std::move(path);
}

storage::DiskSpec storage_spec_of(const vim::DroverMigrationDisk& disk) {
    storage::DiskSpec spec;
    spec.capacity_bytes = static_cast<std::uint64_t>(disk.capacityInBytes());
    spec.provisioning = disk.provisioning() == "thin" ? storage::Provisioning::thin
                        : disk.provisioning() == "eagerZeroedThick"
                            ? storage::Provisioning::thick_eager
                            : storage::Provisioning::thick_lazy;
    spec.adapter_type = disk.adapterType();
    return spec;
}

bool lies_beside(const vim::DroverMigrationSpec& spec, const vim::DroverMigrationFile& file) {
    const auto home = DatastorePath::make("x", spec.path());
    const auto other = DatastorePath::make("x", file.path());
    return file.datastoreUuid() == spec.datastoreUuid() && home && other &&
           home->parent() == other->parent() && !file.setting().empty();
}

// QEMU, which is nobody special, must be told of missing pages: a kernel says so with this switch.
bool can_post_copy() {
    std::ifstream file("/proc/sys/vm/unprivileged_userfaultfd");
    int value = 0;
    return file >> value && value == 1;
}

vmx::VmxFile new_file(const vim::DroverMigrationSpec& spec) {
    auto file = vmx::VmxFile::parse(spec.vmx());
    if (!file) throw vim::invalid_argument("spec.vmx", file.error().message());
    for (const auto& [setting, name] : new_names(spec)) file->set(setting, name);
    return *std::move(file);
}

}  // namespace

std::map<std::string, std::string> new_names(const vim::DroverMigrationSpec& spec) {
    std::set<std::string, std::less<>> taken;
    std::map<std::string, std::string> names;
    const auto give = [&](std::string_view setting, std::string_view path) {
        const auto old = DatastorePath::make("x", path);
        if (!old || old->is_root()) throw vim::invalid_argument("spec.disk.path", "It is no file.");
        const std::string name = old->file_name();
        const auto dot = std::min(name.rfind('.'), name.size());
        std::string chosen = name;
        for (int i = 1; !taken.insert(chosen).second; ++i) {
            chosen = fmt::format("{}_{}{}", name.substr(0, dot), i, name.substr(dot));
        }
        names[std::string(setting)] = chosen;
    };
    for (const auto& disk : spec.disk()) give(disk.setting(), disk.path());
    for (const auto& file : spec.file()) {
        if (lies_beside(spec, file)) give(file.setting(), file.path());
    }
    return names;
}

// A directory of its own, named as the machine's was.
Awaitable<DatastorePath> Arrivals::choose_place(vim::DroverMigrationSpec spec,
                                                std::string datastore) {
    const DatastorePath old = relative_path(datastore, spec.path());
    const std::string name = old.parent().is_root()
                                 ? old.file_name().substr(0, old.file_name().size() - 4)
                                 : old.parent().file_name();
    co_return co_await context_.datastores.run(
        context_.datastores.of_path(old),
        [datastore, name, file = old.file_name()](storage::Datastore& store) {
            const DatastorePath root = relative_path(datastore, "");
            for (int i = 0; i < kMostNameTries; ++i) {
                const auto directory = root.child(i == 0 ? name : fmt::format("{}_{}", name, i));
                if (!directory) break;
                try {
                    store.blobs().make_directory(*directory, storage::MakeDirectory::exclusive);
                    return *directory->child(file);
                } catch (const storage::StorageError& error) {
                    if (error.kind() != storage::StorageErrorKind::already_exists) throw;
                }
            }
            throw vim::invalid_argument("spec.path", "No directory can be named after it.");
        });
}

Awaitable<std::vector<vim::DroverMigrationCopy>> Arrivals::make_files(IncomingPtr incoming) {
    DatastoreEntry& entry = context_.datastores.of_path(incoming->path);
    auto copies = co_await context_.datastores.run_long(
        entry,
        [spec = incoming->spec, path = incoming->path](storage::Datastore& store) {
            const auto names = new_names(spec);
            const DatastorePath directory = path.parent();
            std::vector<vim::DroverMigrationCopy> made;
            for (const auto& disk : spec.disk()) {
                const auto at = *directory.child(names.at(std::string(disk.setting())));
                const auto created = store.volumes().create_disk(at, storage_spec_of(disk));
                auto copy = vim::DroverMigrationCopy::make();
                copy.set_key(disk.key());
                copy.set_target(disk.target());
                copy.set_file(created.chain.front().host_path.string());
                made.push_back(copy);
            }
            for (const auto& file : spec.file()) {
                if (!lies_beside(spec, file)) continue;
                store.blobs().write(*directory.child(names.at(std::string(file.setting()))), "");
            }
            store.blobs().write(path, new_file(spec).to_string());
            return made;
        },
        kDiskLimit);
    co_await parts_.handover.place(incoming->path, source_of(*incoming));
    co_return copies;
}

// All of it is ours: the directory was made for this machine.
Awaitable<void> Arrivals::remove_files(IncomingPtr incoming) {
    co_await context_.datastores.run_long(
        context_.datastores.of_path(incoming->path),
        [path = incoming->path](storage::Datastore& store) {
            store.compare_and_swap().remove(Leases::cell_of(path));
            try {
                store.blobs().remove_tree(path.parent());
            } catch (const storage::StorageError& error) {
                if (error.kind() != storage::StorageErrorKind::not_found) throw;
            }
        },
        kDiskLimit);
}

vim::DroverMigrationTicket Arrivals::make_ticket(const Incoming& incoming) const {
    auto ticket = vim::DroverMigrationTicket::make();
    ticket.set_ticket(incoming.ticket);
    ticket.set_hostUuid(context_.host_uuid);
    ticket.set_hostName(context_.config.host_name);
    ticket.set_ca(parts_.transport.own_ca());
    ticket.set_tlsName(parts_.transport.tls_name());
    ticket.set_address(context_.config.migration_address.empty()
                           ? context_.config.management_address
                           : context_.config.migration_address);
    ticket.set_statePrefix(context_.config.state_directory.string());
    if (!context_.config.cgroup_partition.empty()) {
        ticket.set_cgroupPartition(context_.config.cgroup_partition);
    }
    ticket.set_path(incoming.path.to_string());
    ticket.set_movesStorage(incoming.moves_storage);
    ticket.set_postCopy(context_.config.simulation.has_value() || can_post_copy());
    if (incoming.guarded()) {
        ticket.set_monitor(parts_.availability.monitor_of(incoming.uuid().value()));
    } else if (auto spare = parts_.availability.spare_monitor_of(incoming.uuid().value())) {
        ticket.set_monitor(std::move(*spare));
    }
    std::vector<vim::DroverMigrationDatastore> datastores;
    for (const auto& entry : context_.datastores.all()) {
        if (entry->info.uuid.empty()) continue;
        auto made = vim::DroverMigrationDatastore::make();
        made.set_uuid(entry->info.uuid);
        made.set_name(entry->name);
        made.set_prefix(entry->store->host_path(relative_path(entry->name, "")).string());
        datastores.push_back(made);
    }
    ticket.set_datastore(datastores);
    std::vector<vim::DroverMigrationNetwork> networks;
    for (const NetworkEntry& network : context_.networks.all()) {
        auto made = vim::DroverMigrationNetwork::make();
        made.set_name(network.name);
        made.set_bridge(network.bridge);
        networks.push_back(made);
    }
    ticket.set_network(networks);
    return ticket;
}

}  // namespace drover::host
