#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>

#include "hypervisor/libvirt/errors.hpp"
#include "hypervisor/libvirt/operations.hpp"
#include "hypervisor/libvirt/params_parse.hpp"

namespace drover::hypervisor::libvirt {
namespace {

struct Params {
    virTypedParameterPtr values = nullptr;
    int count = 0;

    ~Params() { virTypedParamsFree(values, count); }
};

// Before each command libvirt synchronizes with the agent; this is how long it waits for that and
// for the answer.
void set_limit(virDomainPtr domain, std::chrono::seconds limit) {
    if (virDomainAgentSetResponseTimeout(domain, static_cast<int>(limit.count()), 0) < 0)
        throw_last_error("limit the guest agent's time");
}

}  // namespace

GuestInfo guest_info(virConnectPtr connection, const DomainUuid& uuid, std::chrono::seconds limit) {
    const auto domain = look_up(connection, uuid);
    set_limit(domain.get(), limit);
    // One question at a time: an agent that lacks one (an old release, a blocked command) still
    // answers the others. Only the first failure to answer at all ends it.
    constexpr unsigned kinds[] = {VIR_DOMAIN_GUEST_INFO_HOSTNAME, VIR_DOMAIN_GUEST_INFO_OS,
                                  VIR_DOMAIN_GUEST_INFO_INTERFACES,
                                  VIR_DOMAIN_GUEST_INFO_FILESYSTEM};
    TypedParams all;
    bool answered = false;
    for (const unsigned kind : kinds) {
        Params params;
        if (virDomainGetGuestInfo(domain.get(), kind, &params.values, &params.count, 0) == 0) {
            all.merge(TypedParams(params.values, params.count));
            answered = true;
            continue;
        }
        try {
            throw_last_error("ask the guest agent");
        } catch (const HypervisorError& error) {
            const bool refused =
                error.kind() == ErrorKind::unsupported || error.kind() == ErrorKind::internal;
            if (!refused || (!answered && kind == kinds[std::size(kinds) - 1])) throw;
        }
    }
    return parse_guest_info(all);
}

bool agent_ping(virConnectPtr connection, const DomainUuid& uuid, std::chrono::seconds limit) {
    const auto domain = look_up(connection, uuid);
    set_limit(domain.get(), limit);
    const CString reply(virDomainQemuAgentCommand(domain.get(), R"({"execute":"guest-ping"})",
                                                  static_cast<int>(limit.count()), 0));
    if (reply) return true;
    try {
        throw_last_error("ping the guest agent");
    } catch (const HypervisorError& error) {
        if (error.kind() == ErrorKind::agent_unavailable) return false;
        throw;
    }
}

}  // namespace drover::hypervisor::libvirt
