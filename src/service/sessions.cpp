#include "service/sessions.hpp"

namespace drover::service {
namespace {

bool equal_in_constant_time(std::string_view left, std::string_view right) {
    if (left.size() != right.size()) return false;
    unsigned difference = 0;
    for (std::size_t i = 0; i < left.size(); ++i) {
        difference |= static_cast<unsigned char>(left[i] ^ right[i]);
    }
    return difference == 0;
}

}  // namespace

std::size_t Sessions::hash(std::string_view cookie) const {
    return std::hash<std::string>{}(hash_key_ + std::string(cookie));
}

std::shared_ptr<Session> Sessions::open(const std::string& user, const std::string& remote_address,
                                        const std::string& user_agent) {
    if (by_cookie_.size() >= kMostSessions) expire();
    if (by_cookie_.size() >= kMostSessions) return nullptr;
    auto session = std::make_shared<Session>();
    session->key = random_.uuid();
    session->cookie = random_.hex(20);
    session->user = user;
    session->remote_address = remote_address;
    session->user_agent = user_agent;
    session->login_time = session->last_active = clock_.wall_now();
    by_cookie_[hash(session->cookie)] = session;
    return session;
}

std::shared_ptr<Session> Sessions::find(std::string_view cookie) {
    const auto at = by_cookie_.find(hash(cookie));
    if (at == by_cookie_.end() || !equal_in_constant_time(at->second->cookie, cookie)) {
        return nullptr;
    }
    const auto now = clock_.wall_now();
    if (at->second->calls_running == 0 && now - at->second->last_active > kIdleLimit) {
        close(std::string(at->second->key));
        return nullptr;
    }
    at->second->last_active = now;
    return at->second;
}

std::shared_ptr<Session> Sessions::find_by_key(std::string_view key) const {
    for (const auto& [_, session] : by_cookie_) {
        if (session->key == key) return session;
    }
    return nullptr;
}

void Sessions::close(const std::string& key) {
    for (auto at = by_cookie_.begin(); at != by_cookie_.end(); ++at) {
        if (at->second->key != key) continue;
        const auto session = at->second;
        by_cookie_.erase(at);
        if (on_end_) on_end_(*session);
        return;
    }
}

void Sessions::expire() {
    const auto now = clock_.wall_now();
    for (const auto& session : all()) {
        if (session->calls_running == 0 && now - session->last_active > kIdleLimit) {
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
