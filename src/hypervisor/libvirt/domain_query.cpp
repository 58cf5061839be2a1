#include <fmt/format.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include <array>

#include "hypervisor/libvirt/errors.hpp"
#include "hypervisor/libvirt/live_xml.hpp"
#include "hypervisor/libvirt/operations.hpp"
#include "hypervisor/libvirt/params_parse.hpp"

namespace drover::hypervisor::libvirt {
namespace {

constexpr std::size_t screenshot_limit_bytes = 64U << 20;

DomainUuid uuid_of(virDomainPtr domain) {
    std::array<char, VIR_UUID_STRING_BUFLEN> text{};
    if (virDomainGetUUIDString(domain, text.data()) < 0) throw_last_error("read the uuid");
    return DomainUuid(text.data());
}

// Why the disks of a domain that stopped on an I/O error failed.
IoErrorReason io_error_of(virDomainPtr domain) {
    std::array<virDomainDiskError, 256> errors{};
    const int count = virDomainGetDiskErrors(domain, errors.data(), errors.size(), 0);
    auto reason = IoErrorReason::other;
    for (int i = 0; i < count; ++i) {
        const auto& error = errors[static_cast<std::size_t>(i)];
        if (error.error == VIR_DOMAIN_DISK_ERROR_NO_SPACE) reason = IoErrorReason::no_space;
        std::free(error.disk);
    }
    return reason;
}

// A domain that ends while it is being read is no error for a list.
bool is_gone(const HypervisorError& error) {
    return error.kind() == ErrorKind::not_found || error.kind() == ErrorKind::invalid_state;
}

struct DomainList {
    virDomainPtr* domains = nullptr;
    int count = 0;

    ~DomainList() {
        for (int i = 0; i < count; ++i) virDomainFree(domains[i]);
        std::free(domains);
    }
};

int collect(virStreamPtr, const char* data, std::size_t size, void* opaque) {
    auto& bytes = *static_cast<std::vector<std::uint8_t>*>(opaque);
    if (bytes.size() + size > screenshot_limit_bytes) return -1;
    bytes.insert(bytes.end(), data, data + size);
    return static_cast<int>(size);
}

}  // namespace

DomainHandle look_up(virConnectPtr connection, const DomainUuid& uuid) {
    DomainHandle domain(virDomainLookupByUUIDString(connection, uuid.value().c_str()));
    if (!domain) {
        if (virGetLastErrorCode() == VIR_ERR_INVALID_ARG)
            throw HypervisorError(ErrorKind::not_found, "no domain: " + uuid.value());
        throw_last_error("find domain " + uuid.value());
    }
    return domain;
}

std::string live_xml(virDomainPtr domain) {
    const CString xml(virDomainGetXMLDesc(domain, 0));
    if (!xml) throw_last_error("describe");
    return xml.get();
}

DomainInfo describe(virDomainPtr domain) {
    DomainInfo info = parse_live_xml(live_xml(domain));
    int state = 0;
    int reason = 0;
    if (virDomainGetState(domain, &state, &reason, 0) < 0) throw_last_error("read the state");
    info.state = domain_state(state);
    if (state == VIR_DOMAIN_PAUSED) info.paused_reason = paused_reason(reason);
    if (state == VIR_DOMAIN_PMSUSPENDED) info.paused_reason = PausedReason::other;
    if (info.paused_reason == PausedReason::io_error) info.io_error = io_error_of(domain);
    const auto id = virDomainGetID(domain);
    info.libvirt_id = id == static_cast<unsigned>(-1) ? -1 : static_cast<int>(id);
    return info;
}

std::vector<DomainInfo> list(virConnectPtr connection) {
    DomainList found;
    found.count =
        virConnectListAllDomains(connection, &found.domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    if (found.count < 0) throw_last_error("list domains");
    std::vector<DomainInfo> domains;
    for (int i = 0; i < found.count; ++i) {
        try {
            domains.push_back(describe(found.domains[i]));
        } catch (const HypervisorError& error) {
            if (!is_gone(error)) throw;
        }
    }
    return domains;
}

std::optional<DomainInfo> find(virConnectPtr connection, const DomainUuid& uuid) {
    try {
        auto info = describe(look_up(connection, uuid).get());
        if (info.libvirt_id < 0) return std::nullopt;
        return info;
    } catch (const HypervisorError& error) {
        if (!is_gone(error)) throw;
        return std::nullopt;
    }
}

std::vector<DomainStats> stats(virConnectPtr connection) {
    constexpr unsigned kinds = VIR_DOMAIN_STATS_STATE | VIR_DOMAIN_STATS_CPU_TOTAL |
                               VIR_DOMAIN_STATS_BALLOON | VIR_DOMAIN_STATS_VCPU |
                               VIR_DOMAIN_STATS_INTERFACE | VIR_DOMAIN_STATS_BLOCK;
    virDomainStatsRecordPtr* records = nullptr;
    const int count = virConnectGetAllDomainStats(
        connection, kinds, &records,
        VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);
    if (count < 0) throw_last_error("read statistics");
    const std::unique_ptr<virDomainStatsRecordPtr, void (*)(virDomainStatsRecordPtr*)> owner(
        records, virDomainStatsRecordListFree);
    const auto now = std::chrono::steady_clock::now();
    std::vector<DomainStats> all;
    all.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
        const auto& record = *records[i];
        auto one = parse_stats(TypedParams(record.params, record.nparams));
        one.uuid = uuid_of(record.dom);
        one.taken_at = now;
        all.push_back(std::move(one));
    }
    return all;
}

Screenshot screenshot(virConnectPtr connection, const DomainUuid& uuid) {
    const auto domain = look_up(connection, uuid);
    const StreamHandle stream(virStreamNew(connection, 0));
    if (!stream) throw_last_error("take a screenshot");
    const CString mime(virDomainScreenshot(domain.get(), stream.get(), 0, 0));
    if (!mime) throw_last_error("take a screenshot");
    Screenshot shot;
    shot.mime_type = mime.get();
    if (virStreamRecvAll(stream.get(), collect, &shot.bytes) < 0) {
        if (shot.bytes.size() + 1 > screenshot_limit_bytes)
            throw HypervisorError(ErrorKind::internal, "the screenshot is too large");
        throw_last_error("read a screenshot");
    }
    if (virStreamFinish(stream.get()) < 0) throw_last_error("read a screenshot");
    return shot;
}

}  // namespace drover::hypervisor::libvirt
