#include "host/files/in_use.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "host/machines/leases.hpp"
#include "storage/vm_lease.hpp"

namespace drover::host::files {

using storage::DatastorePath;

namespace {

constexpr std::string_view kConfigExtension = ".vmx";
// A directory tree with more directories than this is no machine's.
constexpr std::size_t kMostDirectories = 1000;

[[noreturn]] void refuse(const DatastorePath& path, const Machine& machine) {
    auto fault = vim::FileLocked::make();
    fault.set_file(path.to_string());
    throw vim::Fault(fault, fmt::format("{} is in use by the machine '{}', which is powered on.",
                                        path.to_string(), machine.name()));
}

std::string stem_of(const DatastorePath& config) {
    std::string name = config.file_name();
    if (name.ends_with(kConfigExtension)) name.resize(name.size() - kConfigExtension.size());
    return name;
}

// "vm.nvram", "vm-1.vmdk", "vm_2.vmdk" belong to "vm.vmx"; "vmlinuz" does not.
bool has_stem(const DatastorePath& path, const DatastorePath& config) {
    const std::string stem = stem_of(config);
    const std::string name = path.file_name();
    return path.parent() == config.parent() && name.size() > stem.size() &&
           name.starts_with(stem) && std::string_view(".-_").contains(name[stem.size()]);
}

void add(std::vector<DatastorePath>& files, std::string_view text) {
    if (auto path = DatastorePath::parse(text)) files.push_back(*std::move(path));
}

std::vector<DatastorePath> held_files(const Machine& machine) {
    std::vector<DatastorePath> files{machine.path};
    for (const auto& [descriptor, facts] : machine.disks) {
        add(files, descriptor);
        add(files, facts.extent_file);
    }
    for (const auto& device : machine.config.hardware().device()) {
        const auto backing = device.backing().as<vim::VirtualDeviceFileBackingInfo>();
        if (backing) add(files, backing.fileName());
    }
    return files;
}

// The lease of a machine; the error that is told if it can't be read.
storage::LeaseState read_lease(storage::Datastore& store, const base::Clock& clock,
                               const DatastorePath& config) {
    try {
        return storage::VmLease(store.compare_and_swap(), clock, Leases::cell_of(config)).read();
    } catch (const storage::StorageError& error) {
        // Without compare-and-swap there never was a lease.
        if (error.kind() == storage::StorageErrorKind::unsupported) return {};
        throw storage::StorageError(
            storage::StorageErrorKind::locked, config.to_string(),
            fmt::format("whether another host runs the machine is not known: {}", error.what()));
    }
}

void refuse_lease_of(storage::Datastore& store, const base::Clock& clock,
                     const DatastorePath& config, const std::string& own_host) {
    const storage::LeaseState lease = read_lease(store, clock, config);
    if (!lease.is_held() || lease.owner == own_host) return;
    throw storage::StorageError(
        storage::StorageErrorKind::locked, config.to_string(),
        fmt::format("the machine is in use by the host {}",
                    lease.owner_name.empty() ? lease.owner : lease.owner_name));
}

}  // namespace

bool covers(const DatastorePath& path, const DatastorePath& other) {
    if (path.datastore() != other.datastore()) return false;
    if (path.is_root() || path == other) return true;
    return other.relative().starts_with(path.relative() + "/");
}

void InUse::check_changeable(const DatastorePath& path) const {
    for (const auto& machine : machines_()) {
        if (!machine->domain) continue;
        if (has_stem(path, machine->path)) refuse(path, *machine);
        for (const DatastorePath& held : held_files(*machine)) {
            if (covers(path, held)) refuse(path, *machine);
        }
    }
}

void InUse::check_readable(const DatastorePath& path) const {
    const std::string text = path.to_string();
    for (const auto& machine : machines_()) {
        if (!machine->domain) continue;
        std::set<std::string> parents;
        for (const auto& [_, facts] : machine->disks) parents.insert(facts.parent);
        for (const auto& [descriptor, facts] : machine->disks) {
            if (parents.contains(descriptor)) continue;
            if (text == descriptor || text == facts.extent_file) refuse(path, *machine);
        }
    }
}

void InUse::check_childless(const DatastorePath& disk) const {
    const std::string text = disk.to_string();
    for (const auto& machine : machines_()) {
        for (const auto& [child, facts] : machine->disks) {
            if (facts.parent != text) continue;
            auto fault = vim::FileLocked::make();
            fault.set_file(text);
            throw vim::Fault(fault, fmt::format("{} is the base of {} of the machine '{}'.", text,
                                                child, machine->name()));
        }
    }
}

void refuse_leased(storage::Datastore& store, const base::Clock& clock, const DatastorePath& path,
                   const std::string& own_host) {
    std::vector<DatastorePath> directories;
    const bool is_directory = store.blobs().stat(path).kind == storage::FileKind::directory;
    directories.push_back(is_directory ? path : path.parent());
    for (std::size_t at = 0; at < directories.size(); ++at) {
        if (at >= kMostDirectories) {
            throw storage::StorageError(storage::StorageErrorKind::file_too_large, path.to_string(),
                                        "has more than 1000 directories in it");
        }
        const DatastorePath directory = directories[at];
        for (const storage::FileInfo& entry : store.blobs().list(directory)) {
            auto found = directory.child(entry.name);
            if (!found) continue;
            if (is_directory && entry.kind == storage::FileKind::directory) {
                directories.push_back(*std::move(found));
            } else if (entry.name.ends_with(kConfigExtension) &&
                       (is_directory || has_stem(path, *found))) {
                refuse_lease_of(store, clock, *found, own_host);
            }
        }
    }
}

}  // namespace drover::host::files
