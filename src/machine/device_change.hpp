#pragma once

// VirtualMachineConfigSpec.deviceChange, one file per kind of device. Private to this directory.

#include <map>

#include "machine/device_place.hpp"
#include "machine/reconfigure.hpp"
#include "machine/refusal.hpp"

namespace drover::machine {

using ChangeOperation = vim::VirtualDeviceConfigSpecOperation;
using FileOperation = vim::VirtualDeviceConfigSpecFileOperation;

/// The devices while they are being changed.
class DeviceChange {
public:
    DeviceChange(const ReadContext& context, const Rules& rules, base::Random& random,
                 std::string machine_name, ReconfigurePlan& plan,
                 std::vector<vim::VirtualDevice> devices);

    /// All of the spec's changes: removals, then controllers, then the rest in order.
    void apply(const std::vector<vim::VirtualDeviceConfigSpec>& changes);

    const std::vector<vim::VirtualDevice>& devices() const { return devices_; }
    /// What a key of the spec became; itself if it names a device that was there.
    std::int32_t final_key(std::int32_t key) const;
    /// The names in the file of devices that are gone.
    const std::vector<std::string>& removed_prefixes() const { return removed_; }

private:
    struct Change {
        std::int32_t index = 0;
        ChangeOperation operation{};
        std::optional<FileOperation> file_operation{};
        vim::VirtualDevice device;
    };

    // device_change.cpp
    void remove(const Change& change);
    void add(const Change& change);
    void edit(const Change& change);
    vim::VirtualDevice* find(std::int32_t key);
    const vim::VirtualDevice& existing(const Change& change);
    void store(const Change& change, vim::VirtualDevice device);
    void require_off(const Change& change) const;
    bool is_running() const;
    bool is_pluggable(const vim::VirtualDevice& device) const;
    void check_controllers() const;
    Place place_for(const Change& change, Bus fallback);
    bool is_free(const Place& place) const;
    std::string new_file_name(const Change& change, std::string_view wanted, vim::MoRef datastore,
                              std::string_view extension);

    // device_change_disk.cpp
    void add_disk(const Change& change);
    void edit_disk(const Change& change);
    void create_disk(const Change& change, const Place& place, vim::VirtualDisk disk);
    void attach_disk(const Change& change, const vim::VirtualDisk& disk);
    std::int64_t wanted_capacity(const Change& change, const vim::VirtualDisk& disk,
                                 std::int64_t present_bytes) const;
    void check_disk_options(const Change& change, const vim::VirtualDisk& disk) const;

    // device_change_other.cpp
    void add_controller(const Change& change);
    void add_cdrom(const Change& change);
    void add_floppy(const Change& change);
    void add_serial(const Change& change);
    void edit_other(const Change& change);
    void check_media(const Change& change) const;
    void check_serial(const Change& change) const;
    std::int32_t free_number(const Change& change, std::int32_t base_key, std::int32_t count) const;

    // device_change_nic.cpp
    void add_nic(const Change& change);
    void edit_nic(const Change& change);
    vim::VirtualEthernetCard with_address(const Change& change, vim::VirtualEthernetCard nic);
    vim::VirtualDeviceBackingInfo checked_network(const Change& change) const;
    std::string generated_mac(std::int32_t key, bool assigned);

    const ReadContext& context_;
    const Rules& rules_;
    base::Random& random_;
    std::string machine_name_;
    ReconfigurePlan& plan_;
    std::vector<vim::VirtualDevice> devices_;
    std::map<std::int32_t, std::int32_t> keys_;  // the spec's -> ours
    std::vector<std::string> removed_;
    std::set<std::string, std::less<>> taken_files_;
};

}  // namespace drover::machine
