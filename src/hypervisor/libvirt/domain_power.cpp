#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "hypervisor/libvirt/errors.hpp"
#include "hypervisor/libvirt/live_xml.hpp"
#include "hypervisor/libvirt/operations.hpp"

namespace drover::hypervisor::libvirt {
namespace {

int state_of(virDomainPtr domain) {
    int state = VIR_DOMAIN_NOSTATE;
    if (virDomainGetState(domain, &state, nullptr, 0) < 0) throw_last_error("read the state");
    return state;
}

}  // namespace

DomainInfo start(virConnectPtr connection, const std::string& xml, InitialState state) {
    const unsigned flags = state == InitialState::paused ? VIR_DOMAIN_START_PAUSED : 0;
    const DomainHandle domain(virDomainCreateXML(connection, xml.c_str(), flags));
    if (!domain) throw_last_error("start");
    return describe(domain.get());
}

void save(virConnectPtr connection, const DomainUuid& uuid, const std::string& path) {
    const auto domain = look_up(connection, uuid);
    if (virDomainSaveFlags(domain.get(), path.c_str(), nullptr, 0) < 0) throw_last_error("save");
}

DomainInfo restore(virConnectPtr connection, const std::string& path, const std::string& xml,
                   const DomainUuid& uuid, InitialState state) {
    const unsigned flags =
        state == InitialState::paused ? VIR_DOMAIN_SAVE_PAUSED : VIR_DOMAIN_SAVE_RUNNING;
    const CString saved(virDomainSaveImageGetXMLDesc(connection, path.c_str(), 0));
    if (!saved) throw_last_error("read " + path);
    const auto target = keep_saved_cpu(xml, saved.get());
    if (virDomainRestoreFlags(connection, path.c_str(), target.c_str(), flags) < 0)
        throw_last_error("restore");
    return describe(look_up(connection, uuid).get());
}

bool is_save_image_complete(virConnectPtr connection, const std::string& path) {
    const CString xml(virDomainSaveImageGetXMLDesc(connection, path.c_str(), 0));
    if (xml) return true;
    try {
        throw_last_error("read " + path);
    } catch (const HypervisorError& error) {
        // A file that libvirt could open and read, and that is none of its images, gives one of
        // these two; all else is trouble with the file or the connection.
        if (error.kind() == ErrorKind::internal || error.kind() == ErrorKind::invalid_spec ||
            error.kind() == ErrorKind::invalid_state)
            return false;
        throw;
    }
}

void destroy(virConnectPtr connection, const DomainUuid& uuid) {
    const auto domain = look_up(connection, uuid);
    if (virDomainDestroy(domain.get()) < 0) throw_last_error("destroy");
}

void reset(virConnectPtr connection, const DomainUuid& uuid) {
    const auto domain = look_up(connection, uuid);
    if (virDomainReset(domain.get(), 0) < 0) throw_last_error("reset");
}

void shutdown(virConnectPtr connection, const DomainUuid& uuid, GuestRequest how) {
    const auto domain = look_up(connection, uuid);
    const unsigned flags = how == GuestRequest::acpi    ? VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN
                           : how == GuestRequest::agent ? VIR_DOMAIN_SHUTDOWN_GUEST_AGENT
                                                        : VIR_DOMAIN_SHUTDOWN_DEFAULT;
    if (virDomainShutdownFlags(domain.get(), flags) < 0) throw_last_error("shut down");
}

void reboot(virConnectPtr connection, const DomainUuid& uuid, GuestRequest how) {
    const auto domain = look_up(connection, uuid);
    const unsigned flags = how == GuestRequest::acpi    ? VIR_DOMAIN_REBOOT_ACPI_POWER_BTN
                           : how == GuestRequest::agent ? VIR_DOMAIN_REBOOT_GUEST_AGENT
                                                        : VIR_DOMAIN_REBOOT_DEFAULT;
    if (virDomainReboot(domain.get(), flags) < 0) throw_last_error("reboot");
}

void pause(virConnectPtr connection, const DomainUuid& uuid) {
    const auto domain = look_up(connection, uuid);
    if (state_of(domain.get()) == VIR_DOMAIN_PAUSED) return;
    if (virDomainSuspend(domain.get()) < 0) throw_last_error("pause");
}

void resume(virConnectPtr connection, const DomainUuid& uuid) {
    const auto domain = look_up(connection, uuid);
    if (state_of(domain.get()) == VIR_DOMAIN_RUNNING) return;
    if (virDomainResume(domain.get()) < 0) throw_last_error("resume");
}

}  // namespace drover::hypervisor::libvirt
