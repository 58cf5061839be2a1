#pragma once

#include <optional>

#include "host/context.hpp"
#include "host/datastores.hpp"
#include "machine/domain.hpp"

namespace drover::host {

/// What a domain is made from.
struct DomainInput {
    vmx::VmxFile file;
    vim::VirtualMachineConfigInfo config;
    storage::DatastorePath path;  ///< of the .vmx file
    std::uint64_t lease_generation = 0;
    /// Which CPU the guest sees, and the note of it (CpuPolicy); none: all that the host has.
    std::optional<hypervisor::CpuSpec> cpu{};
    std::string seen_cpu{};
};

/// Keys of the notes that a domain of ours carries.
inline constexpr std::string_view kMetadataVmx = "vmx";
inline constexpr std::string_view kMetadataGeneration = "lease_generation";
inline constexpr std::string_view kMetadataHost = "host";

/// The domain for a machine: its files resolved to files of this host. Blocks on the datastores
/// that it names. Throws vim::Fault and StorageError.
hypervisor::DomainSpec make_domain_spec(const HostContext& context, const DomainInput& input);

/// The firmware's variables of a machine: beside its .vmx file, by its name.
storage::DatastorePath nvram_of(const storage::DatastorePath& vmx);

/// Where the sockets of machines' serial pipes are.
std::string serial_directory(const HostContext& context);

}  // namespace drover::host
