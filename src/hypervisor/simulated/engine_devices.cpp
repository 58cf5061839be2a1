// Changes of running domains: devices, keys, signals.

#include <fmt/format.h>

#include <algorithm>

#include "hypervisor/simulated/engine.hpp"

namespace drover::hypervisor::simulated {
namespace {

RunningDomain::Disk& drive_of(RunningDomain& domain, const std::string& target) {
    const auto disk = std::ranges::find(domain.disks, target, &RunningDomain::Disk::target);
    if (disk == domain.disks.end()) {
        throw HypervisorError(ErrorKind::not_found, fmt::format("there is no drive '{}'", target));
    }
    return *disk;
}

RunningDomain::Nic& nic_of(RunningDomain& domain, const std::string& mac) {
    const auto nic = std::ranges::find(domain.nics, mac, &RunningDomain::Nic::mac);
    if (nic == domain.nics.end()) {
        throw HypervisorError(ErrorKind::not_found, fmt::format("there is no NIC {}", mac));
    }
    return *nic;
}

}  // namespace

void Engine::change_media(const DomainUuid& uuid, const std::string& target,
                          const std::optional<DiskImage>& media, bool) {
    meet_faults("change_media", uuid);
    if (media) validate_image(*media);
    const std::lock_guard lock(mutex_);
    RunningDomain& domain = get(uuid);
    drive_of(domain, target).path = media ? media->path : "";
    keep(domain);
}

void Engine::set_link_state(const DomainUuid& uuid, const std::string& mac, bool up) {
    meet_faults("set_link_state", uuid);
    const std::lock_guard lock(mutex_);
    RunningDomain& domain = get(uuid);
    nic_of(domain, mac).link_up = up;
    keep(domain);
}

void Engine::press_keys(const DomainUuid& uuid, const std::vector<std::uint32_t>&) {
    meet_faults("press_keys", uuid);
    const std::lock_guard lock(mutex_);
    get(uuid);
}

void Engine::inject_nmi(const DomainUuid& uuid) {
    meet_faults("inject_nmi", uuid);
    const std::lock_guard lock(mutex_);
    get(uuid);
}

void Engine::sleep_guest(const DomainUuid& uuid) {
    meet_faults("sleep_guest", uuid);
    const std::lock_guard lock(mutex_);
    get_with_agent(uuid);
}

void Engine::attach_disk(const DomainUuid& uuid, const DomainSpec&, const DiskSpec& disk) {
    meet_faults("attach_disk", uuid);
    if (disk.image) validate_image(*disk.image);
    const std::lock_guard lock(mutex_);
    RunningDomain& domain = get(uuid);
    const std::string target = disk_target(disk);
    if (std::ranges::find(domain.disks, target, &RunningDomain::Disk::target) !=
        domain.disks.end()) {
        throw HypervisorError(ErrorKind::device_in_use,
                              fmt::format("there is a drive '{}' already", target));
    }
    domain.disks.push_back({target, disk.image ? disk.image->path : ""});
    keep(domain);
}

void Engine::attach_nic(const DomainUuid& uuid, const NicSpec& nic) {
    meet_faults("attach_nic", uuid);
    const std::lock_guard lock(mutex_);
    RunningDomain& domain = get(uuid);
    if (std::ranges::find(domain.nics, nic.mac, &RunningDomain::Nic::mac) != domain.nics.end()) {
        throw HypervisorError(ErrorKind::device_in_use,
                              fmt::format("there is a NIC {} already", nic.mac));
    }
    domain.nics.push_back({nic.mac, nic.link_up});
    keep(domain);
}

void Engine::detach_disk(const DomainUuid& uuid, const std::string& target) {
    meet_faults("detach_disk", uuid);
    const std::lock_guard lock(mutex_);
    RunningDomain& domain = get(uuid);
    drive_of(domain, target);
    std::erase_if(domain.disks, [&target](const auto& disk) { return disk.target == target; });
    keep(domain);
}

void Engine::detach_nic(const DomainUuid& uuid, const std::string& mac) {
    meet_faults("detach_nic", uuid);
    const std::lock_guard lock(mutex_);
    RunningDomain& domain = get(uuid);
    nic_of(domain, mac);
    std::erase_if(domain.nics, [&mac](const auto& nic) { return nic.mac == mac; });
    keep(domain);
}

void Engine::set_bridge(const DomainUuid& uuid, const std::string& mac, const std::string&) {
    meet_faults("set_bridge", uuid);
    const std::lock_guard lock(mutex_);
    nic_of(get(uuid), mac);
}

}  // namespace drover::hypervisor::simulated
