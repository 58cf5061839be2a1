#include <fmt/format.h>
#include <libvirt/libvirt.h>

#include <cmath>

#include "hypervisor/libvirt/domain_xml.hpp"
#include "hypervisor/libvirt/errors.hpp"
#include "hypervisor/libvirt/live_xml.hpp"
#include "hypervisor/libvirt/operations.hpp"
#include "hypervisor/libvirt/param_list.hpp"

namespace drover::hypervisor::libvirt {
namespace {

constexpr long long cpu_period_us = 100000;

}  // namespace

void set_metadata(virConnectPtr connection, const DomainUuid& uuid,
                  const std::map<std::string, std::string>& metadata) {
    const auto domain = look_up(connection, uuid);
    const auto xml = to_metadata_xml(metadata);
    if (virDomainSetMetadata(domain.get(), VIR_DOMAIN_METADATA_ELEMENT, xml.c_str(),
                             metadata_prefix, metadata_namespace, VIR_DOMAIN_AFFECT_LIVE) < 0)
        throw_last_error("set metadata");
}

void change_media(virConnectPtr connection, const DomainUuid& uuid, const std::string& target,
                  const std::optional<DiskImage>& media, bool force) {
    const auto domain = look_up(connection, uuid);
    const auto xml = media_change_xml(live_xml(domain.get()), target, media);
    const unsigned flags =
        VIR_DOMAIN_DEVICE_MODIFY_LIVE | (force ? unsigned{VIR_DOMAIN_DEVICE_MODIFY_FORCE} : 0U);
    if (virDomainUpdateDeviceFlags(domain.get(), xml.c_str(), flags) < 0)
        throw_last_error(fmt::format("change the medium of {}", target));
}

void set_link_state(virConnectPtr connection, const DomainUuid& uuid, const std::string& mac,
                    bool up) {
    const auto domain = look_up(connection, uuid);
    const auto xml = link_change_xml(live_xml(domain.get()), mac, up);
    if (virDomainUpdateDeviceFlags(domain.get(), xml.c_str(), VIR_DOMAIN_DEVICE_MODIFY_LIVE) < 0)
        throw_last_error(fmt::format("set the link of {}", mac));
}

void set_balloon(virConnectPtr connection, const DomainUuid& uuid, std::uint64_t memory_bytes) {
    const auto domain = look_up(connection, uuid);
    if (virDomainSetMemoryFlags(domain.get(), memory_bytes >> 10, VIR_DOMAIN_AFFECT_LIVE) < 0)
        throw_last_error("set the balloon");
}

void set_cpu_tuning(virConnectPtr connection, const DomainUuid& uuid, const CpuTuning& tuning) {
    constexpr unsigned default_shares = 1024;
    const auto domain = look_up(connection, uuid);
    ParamList params;
    params.add_unsigned(VIR_DOMAIN_SCHEDULER_CPU_SHARES, tuning.shares.value_or(default_shares));
    params.add_unsigned(VIR_DOMAIN_SCHEDULER_GLOBAL_PERIOD, cpu_period_us);
    params.add_signed(VIR_DOMAIN_SCHEDULER_GLOBAL_QUOTA,
                      tuning.limit_cores ? std::llround(*tuning.limit_cores * cpu_period_us) : -1);
    if (virDomainSetSchedulerParametersFlags(domain.get(), params.values(), params.count(),
                                             VIR_DOMAIN_AFFECT_LIVE) < 0)
        throw_last_error("set shares and limit");
}

}  // namespace drover::hypervisor::libvirt
