#include <algorithm>

#include "machine/device_change.hpp"
#include "machine/device_vmx.hpp"

namespace drover::machine {

using vim::VirtualDevice;
using vim::VirtualDisk;
using Flat = vim::VirtualDiskFlatVer2BackingInfo;

namespace {

std::string_view adapter_of(const Place& place, const VirtualDevice* controller) {
    if (place.bus == Bus::ide) return "ide";
    if (controller != nullptr && controller->is<vim::ParaVirtualSCSIController>()) return "pvscsi";
    return "lsilogic";
}

std::int64_t io_limit(const VirtualDisk& disk) {
    return disk.storageIOAllocation() ? disk.storageIOAllocation().limit().value_or(-1) : -1;
}

// The shares of a disk stand in two places of the API; the newer one counts.
VirtualDisk with_io(VirtualDisk disk, const VirtualDisk& wanted) {
    auto io = disk.storageIOAllocation() ? disk.storageIOAllocation()
                                         : vim::StorageIOAllocationInfo::make();
    auto shares = wanted.shares();
    if (wanted.storageIOAllocation()) {
        if (wanted.storageIOAllocation().shares()) shares = wanted.storageIOAllocation().shares();
        io.set_limit(io_limit(wanted));
    }
    if (shares) io.set_shares(shares);
    disk.set_storageIOAllocation(io);
    return disk;
}

}  // namespace

std::int64_t DeviceChange::wanted_capacity(const Change& change, const VirtualDisk& disk,
                                           std::int64_t present_bytes) const {
    // A client that changes one of the two and leaves the other as it read it means the changed
    // one; of two changed ones the exact one counts.
    const std::int64_t in_kb = disk.capacityInKB();
    const auto in_bytes = disk.capacityInBytes();
    std::int64_t bytes = present_bytes;
    std::string_view property = "device.capacityInKB";
    if (in_bytes && *in_bytes > 0 && *in_bytes != present_bytes) {
        bytes = *in_bytes;
        property = "device.capacityInBytes";
    } else if (in_kb != 0 && in_kb != present_bytes / 1024) {
        if (in_kb < 0 || in_kb > rules_.max_disk_bytes / 1024) {
            refuse_device(change.index, property,
                          fmt::format("must be 1 to {}", rules_.max_disk_bytes / 1024));
        }
        bytes = in_kb * 1024;
    }
    if (bytes <= 0 || bytes > rules_.max_disk_bytes) {
        refuse_device(change.index, property,
                      fmt::format("must be 1 to {} bytes", rules_.max_disk_bytes));
    }
    return (bytes + 1023) / 1024 * 1024;
}

void DeviceChange::check_disk_options(const Change& change, const VirtualDisk& disk) const {
    const auto backing = disk.backing().as<Flat>();
    if (!backing) {
        refuse_device<vim::InvalidDeviceBacking>(
            change.index, "device.backing",
            "must be a VirtualDiskFlatVer2BackingInfo: no other kind of disk is supported");
    }
    const auto mode = backing.diskMode();
    if (mode != "persistent" && mode != "independent_persistent") {
        refuse_device<vim::InvalidDeviceBacking>(
            change.index, "device.backing.diskMode",
            fmt::format("\"{}\" is not supported; persistent and independent_persistent are",
                        mode.substr(0, 64)));
    }
    const auto sharing = backing.sharing().value_or("sharingNone");
    if (sharing != "sharingNone" && sharing != "sharingMultiWriter") {
        refuse_device<vim::InvalidDeviceBacking>(change.index, "device.backing.sharing",
                                                 "is not a word that the API has");
    }
    const auto shares =
        disk.storageIOAllocation() ? disk.storageIOAllocation().shares() : disk.shares();
    if (shares && shares.level() == vim::SharesLevel::custom &&
        (shares.shares() < 1 || shares.shares() > 4000)) {
        refuse_device(change.index, "device.shares.shares", "must be 1 to 4000");
    }
    if (io_limit(disk) < -1 || io_limit(disk) == 0) {
        refuse_device(change.index, "device.storageIOAllocation.limit", "must be -1 or above 0");
    }
}

void DeviceChange::add_disk(const Change& change) {
    auto wanted = change.device.as<VirtualDisk>();
    auto backing = wanted.backing().as<Flat>();
    if (backing && backing.diskMode().empty()) {
        backing.set_diskMode("persistent");
        wanted.set_backing(vim::VirtualDeviceBackingInfo(backing.raw()));
    }
    check_disk_options(change, wanted);
    const Place place = place_for(change, Bus::scsi);
    auto disk = VirtualDisk::make();
    disk.set_key(place.device_key());
    disk.set_controllerKey(place.controller_key());
    disk.set_unitNumber(place.unit);
    if (!is_pluggable(disk)) require_off(change);
    disk.set_capacityInKB(wanted.capacityInKB());
    if (wanted.capacityInBytes()) disk.set_capacityInBytes(*wanted.capacityInBytes());
    disk.set_backing(wanted.backing());
    disk = with_io(disk, wanted);
    if (change.file_operation == FileOperation::destroy) {
        refuse_device<vim::InvalidDeviceOperation>(change.index, "fileOperation",
                                                   "destroy cannot stand with an added disk");
    }
    if (change.file_operation) return create_disk(change, place, disk);
    attach_disk(change, disk);
}

void DeviceChange::create_disk(const Change& change, const Place& place, VirtualDisk disk) {
    auto backing = disk.backing().as<Flat>();
    DiskToCreate job;
    job.device_key = disk.key();
    job.replace = change.file_operation == FileOperation::replace;
    job.file = new_file_name(change, backing.fileName(), backing.datastore().value_or(vim::MoRef{}),
                             ".vmdk");
    const bool in_use = std::ranges::any_of(devices_, [&](const auto& device) {
        const auto other = device.backing().template as<vim::VirtualDeviceFileBackingInfo>();
        return other && other.fileName() == job.file;
    });
    if (in_use || (!job.replace && taken_files_.contains(job.file))) {
        refuse_file<vim::FileAlreadyExists>(job.file, "exists already");
    }
    std::int64_t base_bytes = 0;
    if (backing.parent()) {
        const auto found = context_.disks.find(backing.parent().fileName());
        if (found == context_.disks.end()) {
            refuse_file<vim::FileNotFound>(backing.parent().fileName(),
                                           "the parent disk does not exist");
        }
        job.parent = found->first;
        base_bytes = found->second.capacity_bytes;
    }
    job.capacity_bytes = wanted_capacity(change, disk, base_bytes);
    if (!job.parent.empty() && job.capacity_bytes != base_bytes) {
        refuse_device(change.index, "device.capacityInKB", "must be that of the parent disk");
    }
    job.provisioning = backing.thinProvisioned().value_or(false) || !job.parent.empty()
                           ? Provisioning::thin
                       : backing.eagerlyScrub().value_or(false) ? Provisioning::thick_eager
                                                                : Provisioning::thick_lazy;
    job.adapter = adapter_of(place, find(place.controller_key()));
    job.uuid = random_.uuid();
    taken_files_.insert(job.file);
    backing.set_fileName(job.file);
    disk.set_backing(vim::VirtualDeviceBackingInfo(backing.raw()));
    plan_.create.push_back(std::move(job));
    store(change, disk);
}

void DeviceChange::attach_disk(const Change& change, const VirtualDisk& disk) {
    const auto name = disk.backing().as<Flat>().fileName();
    const auto parsed = DatastoreFile::parse(name);
    if (!parsed || parsed->outside() || parsed->relative.empty()) {
        refuse_device<vim::InvalidDeviceBacking>(
            change.index, "device.backing.fileName",
            "must name an existing disk, or fileOperation must be create");
    }
    if (!context_.disks.contains(name)) {
        refuse_file<vim::FileNotFound>(name, "no such virtual disk");
    }
    for (const auto& device : devices_) {
        const auto other = device.backing().as<Flat>();
        if (other && other.fileName() == name) {
            refuse_device<vim::InvalidDeviceBacking>(change.index, "device.backing.fileName",
                                                     "is a disk of this machine already");
        }
    }
    plan_.attach.emplace_back(name);
    store(change, disk);
}

void DeviceChange::edit_disk(const Change& change) {
    const auto present = existing(change).as<VirtualDisk>();
    const auto wanted = change.device.as<VirtualDisk>();
    auto backing = present.backing().as<Flat>();
    VirtualDisk disk = with_io(present, wanted);
    if (wanted.backing()) {
        check_disk_options(change, wanted);
        const auto named = wanted.backing().as<Flat>();
        if (!named.fileName().empty() && named.fileName() != backing.fileName()) {
            refuse_device<vim::InvalidDeviceBacking>(
                change.index, "device.backing.fileName",
                "cannot change; remove the disk and add the other one");
        }
        Flat changed = backing;
        changed.set_diskMode(named.diskMode());
        if (named.sharing()) changed.set_sharing(*named.sharing());
        if (named.writeThrough()) changed.set_writeThrough(*named.writeThrough());
        if (changed != backing) require_off(change);
        backing = changed;
        disk.set_backing(vim::VirtualDeviceBackingInfo(changed.raw()));
    }
    const std::int64_t old_bytes = present.capacityInBytes().value_or(0);
    if (old_bytes > 0) {
        const std::int64_t bytes = wanted_capacity(change, wanted, old_bytes);
        if (bytes < old_bytes) {
            refuse_device(change.index, "device.capacityInKB", "a disk cannot shrink");
        }
        if (bytes > old_bytes) {
            require_off(change);
            if (backing.parent()) {
                refuse_device<vim::InvalidDeviceOperation>(
                    change.index, "device.capacityInKB",
                    "a disk with a parent (a snapshot or linked clone) cannot grow");
            }
            plan_.grow.push_back({present.key(), std::string(backing.fileName()), bytes});
        }
    }
    const auto controller = wanted.controllerKey();
    const auto unit = wanted.unitNumber();
    const bool moved = (controller && final_key(*controller) != present.controllerKey()) ||
                       (unit && *unit >= 0 && unit != present.unitNumber());
    if (moved) {
        require_off(change);
        const Place place = place_for(change, Bus::scsi);
        removed_.push_back(vmx_prefix(present));
        std::erase_if(devices_, [&](const auto& d) { return d.key() == present.key(); });
        for (auto& job : plan_.grow) {
            if (job.device_key == present.key()) job.device_key = place.device_key();
        }
        disk.set_key(place.device_key());
        disk.set_controllerKey(place.controller_key());
        disk.set_unitNumber(place.unit);
    }
    store(change, disk);
}

}  // namespace drover::machine
