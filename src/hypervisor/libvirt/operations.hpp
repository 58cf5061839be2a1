#pragma once

// The hypervisor's calls, one function each: blocking, on a live connection, libvirt's errors
// thrown as HypervisorError. See Hypervisor for what they mean.

#include <libvirt/libvirt.h>

#include "hypervisor/hypervisor.hpp"
#include "hypervisor/libvirt/handles.hpp"
#include "hypervisor/libvirt/libvirt_hypervisor.hpp"

namespace drover::hypervisor::libvirt {

/// The running domain with this uuid; HypervisorError(not_found) otherwise.
DomainHandle look_up(virConnectPtr connection, const DomainUuid& uuid);
std::string live_xml(virDomainPtr domain);
DomainInfo describe(virDomainPtr domain);

// domain_power.cpp
DomainInfo start(virConnectPtr connection, const std::string& xml, InitialState state);
void save(virConnectPtr connection, const DomainUuid& uuid, const std::string& path);
DomainInfo restore(virConnectPtr connection, const std::string& path, const std::string& xml,
                   const DomainUuid& uuid, InitialState state);
bool is_save_image_complete(virConnectPtr connection, const std::string& path);
void destroy(virConnectPtr connection, const DomainUuid& uuid);
void reset(virConnectPtr connection, const DomainUuid& uuid);
void shutdown(virConnectPtr connection, const DomainUuid& uuid, GuestRequest how);
void reboot(virConnectPtr connection, const DomainUuid& uuid, GuestRequest how);
void pause(virConnectPtr connection, const DomainUuid& uuid);
void resume(virConnectPtr connection, const DomainUuid& uuid);

// domain_query.cpp
std::vector<DomainInfo> list(virConnectPtr connection);
std::optional<DomainInfo> find(virConnectPtr connection, const DomainUuid& uuid);
std::vector<DomainStats> stats(virConnectPtr connection);
Screenshot screenshot(virConnectPtr connection, const DomainUuid& uuid);

// domain_agent.cpp
GuestInfo guest_info(virConnectPtr connection, const DomainUuid& uuid, std::chrono::seconds limit);
bool agent_ping(virConnectPtr connection, const DomainUuid& uuid, std::chrono::seconds limit);

// domain_change.cpp
void set_metadata(virConnectPtr connection, const DomainUuid& uuid,
                  const std::map<std::string, std::string>& metadata);
void change_media(virConnectPtr connection, const DomainUuid& uuid, const std::string& target,
                  const std::optional<DiskImage>& media, bool force);
void set_link_state(virConnectPtr connection, const DomainUuid& uuid, const std::string& mac,
                    bool up);
void set_balloon(virConnectPtr connection, const DomainUuid& uuid, std::uint64_t memory_bytes);
void set_cpu_tuning(virConnectPtr connection, const DomainUuid& uuid, const CpuTuning& tuning);

// domain_plug.cpp
void press_keys(virConnectPtr connection, const DomainUuid& uuid,
                const std::vector<std::uint32_t>& usb_codes);
void inject_nmi(virConnectPtr connection, const DomainUuid& uuid);
void sleep_guest(virConnectPtr connection, const DomainUuid& uuid, std::chrono::seconds limit);
void attach_device(virConnectPtr connection, const DomainUuid& uuid, const std::string& xml);
void detach_disk(virConnectPtr connection, const DomainUuid& uuid, const std::string& target);
void detach_nic(virConnectPtr connection, const DomainUuid& uuid, const std::string& mac);
void set_bridge(virConnectPtr connection, const DomainUuid& uuid, const std::string& mac,
                const std::string& bridge);

// disk_moves.cpp
void begin_disk_move(virConnectPtr connection, const DomainUuid& uuid, const std::string& target,
                     const DiskImage& to);
std::vector<DiskMove> disk_moves(virConnectPtr connection, const DomainUuid& uuid);
void finish_disk_move(virConnectPtr connection, const DomainUuid& uuid, const std::string& target);
void cancel_disk_move(virConnectPtr connection, const DomainUuid& uuid, const std::string& target);

// nvram.cpp
void move_nvram(virConnectPtr connection, const DomainUuid& uuid, const std::string& path);

// migration_transfer.cpp (the transfer itself: migrations.hpp)
std::string cpu_of(virConnectPtr connection, const DomainUuid& uuid);
void check_cpu(virConnectPtr connection, const LibvirtOptions& options, const std::string& cpu);

// host_query.cpp
HostInfo host_info(virConnectPtr connection, const LibvirtOptions& options);
HostStats host_stats(virConnectPtr connection);

}  // namespace drover::hypervisor::libvirt
