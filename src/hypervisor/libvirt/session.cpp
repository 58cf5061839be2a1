#include "hypervisor/libvirt/session.hpp"

#include <libvirt/virterror.h>

#include <array>
#include <chrono>
#include <thread>

#include "base/log.hpp"
#include "hypervisor/libvirt/errors.hpp"
#include "hypervisor/libvirt/event_map.hpp"

namespace drover::hypervisor::libvirt {
namespace {

constexpr unsigned keepalive_misses = 3;
// A domain may also be busy because another client saves it, which may take as long as it likes.
constexpr auto settle_limit = std::chrono::seconds(5);

using SessionReference = std::shared_ptr<Session>;

Session& session_of(void* opaque) {
    return **static_cast<SessionReference*>(opaque);
}
void free_reference(void* opaque) {
    delete static_cast<SessionReference*>(opaque);
}

DomainUuid uuid_of(virDomainPtr domain) {
    std::array<char, VIR_UUID_STRING_BUFLEN> text{};
    if (virDomainGetUUIDString(domain, text.data()) < 0) return {};
    return DomainUuid(text.data());
}

int id_of(virDomainPtr domain) {
    const auto id = virDomainGetID(domain);
    return id == static_cast<unsigned>(-1) ? -1 : static_cast<int>(id);
}

int on_lifecycle(virConnectPtr, virDomainPtr domain, int event, int detail, void* opaque) {
    session_of(opaque).handle_lifecycle(uuid_of(domain), id_of(domain), event, detail);
    return 0;
}

void on_reboot(virConnectPtr, virDomainPtr domain, void* opaque) {
    LifecycleEvent event;
    event.uuid = uuid_of(domain);
    event.libvirt_id = id_of(domain);
    event.kind = LifecycleKind::rebooted;
    session_of(opaque).handle(event);
}

void on_io_error(virConnectPtr, virDomainPtr domain, const char* path, const char*, int action,
                 const char* reason, void* opaque) {
    session_of(opaque).handle_io_error(uuid_of(domain), path, action, reason);
}

void on_agent(virConnectPtr, virDomainPtr domain, int state, int, void* opaque) {
    const bool connected = state == VIR_CONNECT_DOMAIN_EVENT_AGENT_LIFECYCLE_STATE_CONNECTED;
    session_of(opaque).handle(AgentEvent{uuid_of(domain), connected});
}

// libvirt casts each callback back to the type that its event id stands for. Casts through
// void(*)() are the ones that compilers take as meant.
template <class Callback>
virConnectDomainEventGenericCallback as_generic(Callback callback) {
    return reinterpret_cast<virConnectDomainEventGenericCallback>(
        reinterpret_cast<void (*)()>(callback));
}

void on_close(virConnectPtr, int, void* opaque) {
    session_of(opaque).handle_lost();
}

}  // namespace

std::shared_ptr<Session> Session::open(const LibvirtOptions& options,
                                       std::shared_ptr<EventQueue> events,
                                       std::function<void()> on_lost) {
    auto session = std::make_shared<Session>(std::move(events), std::move(on_lost));
    try {
        session->connect(options);
        session->register_events();
        session->settle();
    } catch (...) {
        session->close();
        throw;
    }
    return session;
}

void Session::connect(const LibvirtOptions& options) {
    connection_ = ConnectionHandle(virConnectOpen(options.uri.c_str()), [](virConnectPtr open) {
        if (open) virConnectClose(open);
    });
    if (!connection_) throw_last_error("connect to " + options.uri);
    const auto interval = static_cast<int>(options.keepalive_interval.count());
    if (virConnectSetKeepAlive(connection_.get(), interval, keepalive_misses) < 0)
        throw_last_error("set keepalive");
    auto reference = std::make_unique<SessionReference>(shared_from_this());
    if (virConnectRegisterCloseCallback(connection_.get(), on_close, reference.get(),
                                        free_reference) < 0)
        throw_last_error("watch the connection");
    (void)reference.release();
}

void Session::register_events() {
    const auto add = [&](int id, virConnectDomainEventGenericCallback callback) {
        auto reference = std::make_unique<SessionReference>(shared_from_this());
        const int number = virConnectDomainEventRegisterAny(
            connection_.get(), nullptr, id, callback, reference.get(), free_reference);
        if (number < 0) throw_last_error("register for events");
        (void)reference.release();
        callbacks_.push_back(number);
    };
    add(VIR_DOMAIN_EVENT_ID_LIFECYCLE, as_generic(on_lifecycle));
    add(VIR_DOMAIN_EVENT_ID_REBOOT, as_generic(on_reboot));
    add(VIR_DOMAIN_EVENT_ID_IO_ERROR_REASON, as_generic(on_io_error));
    add(VIR_DOMAIN_EVENT_ID_AGENT_LIFECYCLE, as_generic(on_agent));
}

// A daemon that has just started finds its QEMUs again only while it answers already. A domain that
// it fails to find vanishes without an event, and so does one that is destroyed in that moment. So
// nobody gets to see this connection until each domain is either there or gone.
void Session::settle() {
    virDomainPtr* list = nullptr;
    const int count =
        virConnectListAllDomains(connection_.get(), &list, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    if (count < 0) throw_last_error("list domains");
    std::vector<DomainHandle> domains(list, list + count);
    std::free(list);
    const auto deadline = std::chrono::steady_clock::now() + settle_limit;
    for (const auto& domain : domains) {
        virDomainControlInfo control{};
        while (virDomainGetControlInfo(domain.get(), &control, 0) == 0 &&
               control.state != VIR_DOMAIN_CONTROL_OK &&
               control.state != VIR_DOMAIN_CONTROL_ERROR &&
               std::chrono::steady_clock::now() < deadline)
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    virResetLastError();
}

void Session::announce() {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    events_->push(ConnectionEvent{true});
    for (auto& event : held_) events_->push(std::move(event));
    held_.clear();
    announced_ = true;
}

void Session::mute() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    held_.clear();
}

void Session::close() {
    mute();
    // The last reference to this session may go on libvirt's event thread, where a connection must
    // not be closed: so the connection goes here.
    const auto connection = std::move(connection_);
    if (!connection) return;
    // The callbacks own this session, so they must go for it to go. On a dead connection libvirt
    // still drops them here; that the daemon can't be told is no error for us.
    for (const int callback : callbacks_)
        (void)virConnectDomainEventDeregisterAny(connection.get(), callback);
    callbacks_.clear();
    (void)virConnectUnregisterCloseCallback(connection.get(), on_close);
    virResetLastError();
}

void Session::handle_lost() {
    if (lost_.exchange(true)) return;
    on_lost_();
}

void Session::handle(Event event) {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    if (announced_)
        events_->push(std::move(event));
    else if (held_.size() < EventQueue::capacity)
        held_.push_back(std::move(event));
}

void Session::handle_lifecycle(const DomainUuid& uuid, int libvirt_id, int event, int detail) {
    auto mapped = map_lifecycle(event, detail);
    if (!mapped) return;
    mapped->uuid = uuid;
    mapped->libvirt_id = libvirt_id;
    if (mapped->paused_reason == PausedReason::io_error) {
        mapped->io_error = IoErrorReason::other;
        if (const auto last = io_errors_.find(uuid); last != io_errors_.end()) {
            mapped->io_error = last->second.reason;
            mapped->io_error_path = last->second.path;
        }
    } else {
        io_errors_.erase(uuid);
    }
    handle(std::move(*mapped));
}

void Session::handle_io_error(const DomainUuid& uuid, const char* path, int action,
                              const char* reason) {
    IoErrorEvent event;
    event.uuid = uuid;
    event.path = path ? path : "";
    event.reason = map_io_error(reason ? reason : "");
    event.paused = action == VIR_DOMAIN_EVENT_IO_ERROR_PAUSE;
    if (event.paused) io_errors_[uuid] = {event.path, event.reason};
    handle(std::move(event));
}

}  // namespace drover::hypervisor::libvirt
