#include "host/host_system/capability.hpp"

#include <algorithm>

#include "host/host_system/object.hpp"

namespace drover::host {

vim::HostCapability make_capability(const hypervisor::HostInfo& info, const HostFacts& facts,
                                    const Capacity& capacity) {
    vim::HostCapability made(all_false(vim::TypeId::HostCapability).raw());
    made.set_cpuMemoryResourceConfigurationSupported(true);
    made.set_maintenanceModeSupported(true);
    // Under a center; with or without the machine's disks, always encrypted.
    made.set_vmotionSupported(true);
    made.set_vmotionWithStorageVMotionSupported(true);
    made.set_encryptedVMotionSupported(true);
    made.set_highGuestMemSupported(true);
    made.set_screenshotSupported(true);
    made.set_shutdownSupported(facts.controls_power);
    made.set_rebootSupported(facts.controls_power);
    made.set_preAssignedPCIUnitNumbersSupported(true);
    made.set_featureCapabilitiesSupported(!info.cpu_features.empty());
    made.set_uefiSecureBoot(std::ranges::any_of(
        info.uefi_firmware, [](const auto& firmware) { return firmware.secure_boot; }));
    const bool kvm = info.accelerator == hypervisor::Accelerator::kvm;
    made.set_virtualExecUsageSupported(kvm);
    made.set_cpuHwMmuSupported(kvm);
    made.set_maxSupportedVMs(kMostRunningMachines);
    made.set_maxRunningVMs(kMostRunningMachines);
    made.set_maxHostRunningVms(kMostRunningMachines);
    made.set_maxRegisteredVMs(kMostRegisteredMachines);
    made.set_maxSupportedVcpus(kMostVcpus);
    made.set_maxSupportedVmMemory(
        static_cast<std::int32_t>(std::min<std::uint64_t>(capacity.memory_bytes >> 20, INT32_MAX)));
    return made;
}

}  // namespace drover::host
