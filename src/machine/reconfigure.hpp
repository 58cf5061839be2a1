#pragma once

// What a VirtualMachineConfigSpec asks of a machine: checked, completed (keys, units, file names,
// MAC addresses) and worked into the .vmx file, together with what has to be done to disks.
// Nothing is done here: the caller carries the plan out, writes the file and shows the config.

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "machine/config.hpp"

namespace drover::machine {

struct Rules {
    vim::VirtualMachinePowerState power_state = vim::VirtualMachinePowerState::poweredOff;
    std::int32_t max_vcpus = 128;
    std::int64_t max_memory_mb = 6128LL << 10;
    std::int64_t max_disk_bytes = 62LL << 40;
    /// Files that are there already, in the API's form: a new disk never takes their names.
    std::set<std::string, std::less<>> existing_files{};
    /// MAC addresses of other machines, lower case with colons: none of them is generated again.
    std::set<std::string, std::less<>> macs_in_use{};
    /// Pinned when the machine has none yet: HostInfo::default_machine_type.
    std::string machine_type = "pc-i440fx-7.2";
};

struct DiskToCreate {
    std::int32_t device_key = 0;
    std::string file;  ///< "[datastore] directory/name.vmdk"
    std::int64_t capacity_bytes = 0;
    Provisioning provisioning = Provisioning::thick_lazy;
    std::string parent;    ///< the disk that it is a linked clone of; empty: none
    std::string adapter;   ///< ddb.adapterType: "lsilogic", "ide", "pvscsi"
    std::string uuid;      ///< ddb.uuid
    bool replace = false;  ///< a file of that name is overwritten
};

struct DiskToGrow {
    std::int32_t device_key = 0;
    std::string file;
    std::int64_t capacity_bytes = 0;
};

struct ReconfigurePlan {
    vmx::VmxFile file;
    /// As read from `file` once the disks below exist.
    vim::VirtualMachineConfigInfo config;
    std::vector<DiskToCreate> create;
    std::vector<DiskToGrow> grow;
    std::vector<std::string> destroy;  ///< descriptors of disks to delete with their extents
    std::vector<std::string> attach;   ///< existing disks that the machine uses from now on
    /// Top-level properties of the config that changed, dotted paths for hardware
    /// ("hardware.device", "annotation"); empty if nothing did.
    std::vector<std::string> changed;
};

/// Plans a change. Throws vim::Fault: ConcurrentAccess, InvalidArgument, InvalidName,
/// InvalidPowerState, InvalidDeviceSpec and its kin, TooManyDevices, FileNotFound,
/// FileAlreadyExists, InvalidDatastorePath, NumVirtualCpusNotSupported, MemorySizeNotSupported.
/// The message names the property.
ReconfigurePlan reconfigure(const vmx::VmxFile& file, const ReadContext& context,
                            const vim::VirtualMachineConfigSpec& spec, const Rules& rules,
                            base::Random& random, base::WallTime now);

/// The same for a machine that doesn't exist yet: context.vm_path says where it will be. Gets what
/// VMware gives every machine, and default values for what the spec leaves open.
ReconfigurePlan plan_new_machine(const ReadContext& context,
                                 const vim::VirtualMachineConfigSpec& spec, const Rules& rules,
                                 base::Random& random, base::WallTime now);

/// What registering a foreign .vmx adds to it: uuids if it has none, pinned hardware.
vmx::VmxFile adopt(const vmx::VmxFile& file, const ReadContext& context, const Rules& rules,
                   base::Random& random);

/// Existing disks that the spec wants to attach, or to base a linked clone on: their facts must be
/// in context.disks when reconfigure() is called.
std::vector<std::string> disks_named_by(const vim::VirtualMachineConfigSpec& spec);

/// A machine's name as the inventory has it: '/', '\' and '%' escaped. Throws InvalidName if it is
/// empty, longer than 80 characters then, or has control characters.
std::string checked_name(std::string_view name);

}  // namespace drover::machine
