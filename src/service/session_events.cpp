#include "service/session_events.hpp"

#include "vim/history_types.hpp"

namespace drover::service {
namespace {

// A name that nobody has may be anything: not more of it than a name may have.
std::string shown(const std::string& user) {
    return user.substr(0, 64);
}

}  // namespace

void post_login(EventLog* events, const Session& session) {
    if (events == nullptr) return;
    auto event = vim::UserLoginSessionEvent::make();
    event.set_ipAddress(session.remote_address);
    event.set_userAgent(session.user_agent);
    event.set_locale(session.locale);
    event.set_sessionId(session.key);
    events->post(event, session.user);
}

void post_logout(EventLog* events, const Session& session) {
    if (events == nullptr) return;
    auto event = vim::UserLogoutSessionEvent::make();
    event.set_ipAddress(session.remote_address);
    event.set_userAgent(session.user_agent);
    event.set_callCount(static_cast<std::int64_t>(session.call_count));
    event.set_sessionId(session.key);
    event.set_loginTime(session.login_time);
    events->post(event, session.user);
}

void post_terminated(EventLog* events, const Session& session, const std::string& by_user) {
    if (events == nullptr) return;
    auto event = vim::SessionTerminatedEvent::make();
    event.set_sessionId(session.key);
    event.set_terminatedUsername(session.user);
    events->post(event, by_user);
}

void post_bad_login(EventLog* events, const std::string& user, const std::string& remote_address) {
    if (events == nullptr) return;
    auto event = vim::BadUsernameSessionEvent::make();
    event.set_ipAddress(remote_address);
    events->post(event, shown(user));
}

void post_no_access(EventLog* events, const std::string& user, const std::string& remote_address) {
    if (events == nullptr) return;
    auto event = vim::NoAccessUserEvent::make();
    event.set_ipAddress(remote_address);
    events->post(event, user);
}

}  // namespace drover::service
