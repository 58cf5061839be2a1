#include "service/sessions.hpp"

#include <algorithm>

#include "service/secrets.hpp"

namespace drover::service {
std::size_t Sessions::hash(std::string_view cookie) const {
    return keyed_hash(hash_key_, cookie);
}

bool Sessions::is_stale(const Session& session, base::WallTime now) const {
    return idle_limit_.count() > 0 && session.calls_running == 0 &&
           now - session.last_active > idle_limit_;
}

std::shared_ptr<Session> Sessions::open(const std::string& user, const std::string& remote_address,
                                        const std::string& user_agent) {
    if (by_cookie_.size() >= most_sessions_) expire();
    if (by_cookie_.size() >= most_sessions_) return nullptr;
    auto session = std::make_shared<Session>();
    session->key = random_.uuid();
    session->cookie = random_.hex(20);
    session->user = user;
    session->remote_address = remote_address;
    session->user_agent = user_agent;
    session->login_time = session->last_active = clock_.wall_now();
    by_cookie_[hash(session->cookie)] = session;
    by_key_[session->key] = session;
    return session;
}

// Clients that forget to log out must not keep their user from logging in: the session that was
// idle the longest makes room.
bool Sessions::make_room(const std::string& user) {
    std::size_t count = 0;
    std::shared_ptr<Session> idle;
    for (const auto& [_, session] : by_cookie_) {
        if (session->user != user) continue;
        ++count;
        if (session->calls_running > 0) continue;
        if (!idle || session->last_active < idle->last_active) idle = session;
    }
    if (count < kMostPerUser) return true;
    if (!idle) return false;
    close(std::string(idle->key));
    return true;
}

std::shared_ptr<Session> Sessions::find(std::string_view cookie) {
    const auto at = by_cookie_.find(hash(cookie));
    if (at == by_cookie_.end() || !equal_in_constant_time(at->second->cookie, cookie)) {
        return nullptr;
    }
    const auto now = clock_.wall_now();
    if (is_stale(*at->second, now)) {
        close(std::string(at->second->key));
        return nullptr;
    }
    at->second->last_active = now;
    return at->second;
}

std::shared_ptr<Session> Sessions::find_by_key(std::string_view key) const {
    const auto found = by_key_.find(key);
    return found == by_key_.end() ? nullptr : found->second;
}

void Sessions::close(const std::string& key) {
    const auto found = by_key_.find(key);
    if (found == by_key_.end()) return;
    const auto session = found->second;
    by_cookie_.erase(hash(session->cookie));
    by_key_.erase(found);
    if (on_end_) on_end_(*session);
}

void Sessions::close_user(std::string_view user) {
    for (const auto& session : all()) {
        if (session->user == user) close(session->key);
    }
}

void Sessions::expire() {
    const auto now = clock_.wall_now();
    for (const auto& session : all()) {
        if (is_stale(*session, now)) {
            close(session->key);
        }
    }
}

std::vector<std::shared_ptr<Session>> Sessions::all() const {
    std::vector<std::shared_ptr<Session>> found;
    for (const auto& [_, session] : by_cookie_) found.push_back(session);
    return found;
}

}  // namespace drover::service
