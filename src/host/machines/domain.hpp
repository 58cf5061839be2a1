#pragma once

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
};

/// Keys of the notes that a domain of ours carries.
inline constexpr std::string_view kMetadataVmx = "vmx";
inline constexpr std::string_view kMetadataGeneration = "lease_generation";
inline constexpr std::string_view kMetadataHost = "host";

/// The domain for a machine: its files resolved to files of this host. Blocks on the datastores
/// that it names. Throws vim::Fault and StorageError.
hypervisor::DomainSpec make_domain_spec(const HostContext& context, const DomainInput& input);

}  // namespace drover::host
