#pragma once

// What several commands on machines share.

#include <string>
#include <vector>

#include "cli/context.hpp"

namespace drover::cli {

/// A machine and its devices.
struct MachineDevices {
    client::Named machine;
    std::string vm_path;  ///< "[datastore] directory/name.vmx"
    std::vector<vim::VirtualDevice> devices;

    template <class T>
    std::vector<T> of() const {
        std::vector<T> out;
        for (const auto& device : devices) {
            if (device.is<T>()) out.push_back(device.as<T>());
        }
        return out;
    }
};
MachineDevices read_devices(Context& context, const std::string& name);

/// "Hard disk 1"; the key if the server gives no label.
std::string label_of(const vim::VirtualDevice& device);

/// The device that a user means: its label ("Hard disk 1"), its key (2000), or its number among
/// its kind (1). Throws LookupError that lists what there is.
std::size_t choose_device(std::string_view kind, const std::vector<vim::VirtualDevice>& devices,
                          std::string_view text);

/// Changes a machine and waits. `done` as for run_jobs.
void reconfigure(Context& context, const client::Named& machine,
                 const vim::VirtualMachineConfigSpec& spec, std::string_view done);

/// The file behind a device, "" if there is none.
std::string file_of(const vim::VirtualDevice& device);

vim::VirtualDeviceConfigSpec add_device(const vim::VirtualDevice& device);
vim::VirtualDeviceConfigSpec edit_device(const vim::VirtualDevice& device);
vim::VirtualDeviceConfigSpec remove_device(const vim::VirtualDevice& device);

/// A device as the API wants a new one. The keys of new devices are negative and differ.
vim::VirtualDevice new_controller(std::int32_t key, std::int32_t bus_number);
vim::VirtualDisk new_disk(std::int32_t key, std::int32_t controller_key, std::int32_t unit,
                          const std::string& file, const DiskArgument& disk);
/// A card on a network; `nic.model` is one that parse_nic gives.
vim::VirtualDevice new_nic(std::int32_t key, const NicArgument& nic);
/// `controller_key` and unit are left to the server if they are not given.
vim::VirtualCdrom new_cdrom(std::int32_t key, std::optional<std::int32_t> controller_key,
                            const std::string& iso);
/// "[datastore] file", or telnet:// and tcp:// addresses to listen at.
vim::VirtualDevice new_serial_port(std::int32_t key, const std::string& target);

vim::VirtualDeviceConnectInfo connected_info(bool connected);

/// A free unit for a disk on a SCSI or SATA controller of the machine; nothing if all are taken.
struct DiskPlace {
    std::int32_t controller_key = 0;
    std::int32_t unit = 0;
};
std::optional<DiskPlace> free_disk_place(const std::vector<vim::VirtualDevice>& devices);

}  // namespace drover::cli
