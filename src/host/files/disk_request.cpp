#include "host/files/disk_request.hpp"

#include <fmt/format.h>

#include "host/files/keyed_hash.hpp"
#include "machine/uuid_text.hpp"
#include "vim/fault.hpp"
#include "vmx/disk_descriptor.hpp"
#include "vmx/text.hpp"

namespace drover::host::files {

using storage::Provisioning;

Provisioning provisioning_of(std::string_view disk_type, std::string_view argument) {
    if (disk_type == "thin") return Provisioning::thin;
    if (disk_type == "thick" || disk_type == "preallocated") return Provisioning::thick_lazy;
    if (disk_type == "eagerZeroedThick") return Provisioning::thick_eager;
    throw vim::invalid_argument(argument,
                                fmt::format("Disks of the type '{}' can't be made.", disk_type));
}

std::string adapter_of(std::string_view adapter_type, std::string_view argument) {
    const std::string name = vmx::lower_case(adapter_type);
    for (const std::string_view known : {"ide", "buslogic", "lsilogic", "pvscsi"}) {
        if (name == known) return name;
    }
    throw vim::invalid_argument(argument,
                                fmt::format("There is no disk adapter '{}'.", adapter_type));
}

std::uint64_t capacity_of(std::int64_t capacity_kb, std::string_view argument) {
    constexpr std::uint64_t kMostKb = vmx::DiskDescriptor::kMaxCapacitySectors / 2;
    if (capacity_kb <= 0 || static_cast<std::uint64_t>(capacity_kb) > kMostKb) {
        throw vim::invalid_argument(
            argument, fmt::format("A disk can't have a capacity of {} KB.", capacity_kb));
    }
    return static_cast<std::uint64_t>(capacity_kb) * 1024;
}

storage::DiskSpec disk_spec_of(const vim::VirtualDiskSpec& spec) {
    const auto file = spec.as<vim::FileBackedVirtualDiskSpec>();
    if (!file) {
        throw vim::make_fault<vim::NotSupported>(
            "Only disks that are files on a datastore can be made.");
    }
    storage::DiskSpec made;
    made.capacity_bytes = capacity_of(file.capacityKb(), "spec.capacityKb");
    made.provisioning = provisioning_of(file.diskType(), "spec.diskType");
    made.adapter_type = adapter_of(file.adapterType(), "spec.adapterType");
    return made;
}

std::string disk_uuid_of(std::string_view uuid) {
    const auto parsed = machine::parse_uuid(uuid);
    if (!parsed) throw vim::invalid_argument("uuid", fmt::format("'{}' is no UUID.", uuid));
    return machine::uuid_to_vmx(*parsed);
}

std::string disk_uuid_of_path(std::string_view path) {
    // As those that are given to new disks begin. The keys are no secret: they keep the halves
    // apart.
    const std::string digits =
        fmt::format("6000c29{:09x}{:016x}", keyed_hash({1, 0}, path) & 0xf'ffff'ffffULL,
                    keyed_hash({2, 0}, path));
    return disk_uuid_of(digits);
}

}  // namespace drover::host::files
