#pragma once

#include <string>

#include "service/history/event_log.hpp"
#include "service/sessions.hpp"

namespace drover::service {

// What events tell of sessions. A null log is none.

void post_login(EventLog* events, const Session& session);
void post_logout(EventLog* events, const Session& session);
void post_terminated(EventLog* events, const Session& session, const std::string& by_user);
void post_bad_login(EventLog* events, const std::string& user, const std::string& remote_address);
/// The password was right, but nothing is granted to the user.
void post_no_access(EventLog* events, const std::string& user, const std::string& remote_address);

}  // namespace drover::service
