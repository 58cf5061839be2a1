#include "host/machines/machine_files.hpp"

#include <algorithm>

#include "host/machines/leases.hpp"

namespace drover::host {

using storage::DatastorePath;

namespace {

bool is_file_of(std::string_view file, std::string_view stem) {
    for (const std::string_view ending :
         {".vmx", ".vmx~", ".vmxf", ".vmsd", ".nvram", ".vmss", ".log"}) {
        if (file == std::string(stem) + std::string(ending)) return true;
    }
    if (file.starts_with(std::string(stem) + "-") && file.ends_with(".png")) return true;
    return file.starts_with("vmware") && file.ends_with(".log");
}

void remove_if_empty(storage::Datastore& store, const DatastorePath& directory) {
    try {
        store.blobs().remove_directory(directory);
    } catch (const storage::StorageError& error) {
        using enum storage::StorageErrorKind;
        if (error.kind() != directory_not_empty && error.kind() != not_found) throw;
    }
}

bool is_in_folder_elsewhere(const DatastorePath& disk, const DatastorePath& vmx) {
    const auto folder = disk.parent();
    return disk.datastore() != vmx.datastore() && !folder.is_root() &&
           folder.relative() == vmx.parent().relative();
}

}  // namespace

void delete_if_there(const std::function<void()>& work) {
    try {
        work();
    } catch (const storage::StorageError& error) {
        if (error.kind() != storage::StorageErrorKind::not_found) throw;
    }
}

std::vector<std::string> files_of_machine(storage::Datastore& store, const DatastorePath& vmx) {
    std::string stem = vmx.file_name();
    if (stem.ends_with(".vmx")) stem.resize(stem.size() - 4);
    std::vector<std::string> names;
    delete_if_there([&] {
        for (const auto& info : store.blobs().list(vmx.parent())) {
            if (info.kind != storage::FileKind::file || !is_file_of(info.name, stem)) continue;
            names.push_back(info.name);
        }
    });
    return names;
}

void delete_files(storage::Datastore& store, const DatastorePath& vmx,
                  const std::vector<std::string>& kept) {
    const DatastorePath directory = vmx.parent();
    for (const std::string& name : files_of_machine(store, vmx)) {
        if (std::ranges::find(kept, directory.child(name)->to_string()) != kept.end()) continue;
        delete_if_there([&] { store.blobs().remove(*directory.child(name)); });
    }
    delete_if_there([&] { store.compare_and_swap().remove(Leases::cell_of(vmx)); });
    if (!directory.is_root()) remove_if_empty(store, directory);
}

void create_disk_of_machine(storage::Datastore& store, const DatastorePath& disk,
                            const DatastorePath& vmx, const storage::DiskSpec& spec,
                            const storage::CopyControl& control) {
    if (is_in_folder_elsewhere(disk, vmx)) {
        store.blobs().make_directory(disk.parent(), storage::MakeDirectory::if_missing);
    }
    try {
        store.volumes().create_disk(disk, spec, control);
    } catch (...) {
        remove_disk_folder(store, disk, vmx);
        throw;
    }
}

void remove_disk_folder(storage::Datastore& store, const DatastorePath& disk,
                        const DatastorePath& vmx) {
    if (is_in_folder_elsewhere(disk, vmx)) remove_if_empty(store, disk.parent());
}

std::vector<std::string> serial_logs_of(const Machine& machine) {
    std::vector<std::string> logs;
    for (const auto& device : machine.config.hardware().device()) {
        const auto backing = device.backing().as<vim::VirtualDeviceFileBackingInfo>();
        if (!backing || !device.is<vim::VirtualSerialPort>()) continue;
        const auto log = DatastorePath::parse(backing.fileName());
        if (log && !log->is_root() && log->parent() == machine.path.parent()) {
            logs.emplace_back(backing.fileName());
        }
    }
    return logs;
}

}  // namespace drover::host
