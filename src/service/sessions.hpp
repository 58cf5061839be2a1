#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"

namespace drover::service {

/// Somebody who is logged in.
struct Session {
    std::string key;     ///< UserSession.key: public, a uuid
    std::string cookie;  ///< the secret that a client sends back: 40 hexadecimal digits
    std::string user;
    std::string locale = "en";
    std::string remote_address;
    std::string user_agent;
    base::WallTime login_time;
    base::WallTime last_active;
    std::uint64_t call_count = 0;
    std::size_t calls_running = 0;  ///< a session that waits for updates is not idle
};

/// All sessions of the service. Belongs to the strand.
class Sessions {
public:
    static constexpr std::chrono::minutes kIdleLimit{30};
    static constexpr std::size_t kMostSessions = 2000;
    static constexpr std::size_t kMostPerUser = 1000;

    Sessions(const base::Clock& clock, base::Random& random) : clock_(clock), random_(random) {}

    /// Called with each session that ends, for whatever reason, before it is forgotten.
    void on_end(std::function<void(const Session&)> callback) { on_end_ = std::move(callback); }

    /// How long a session may be idle, and how many there may be: kIdleLimit and kMostSessions
    /// unless set. An idle limit of zero is none. Sessions above a new limit stay.
    void set_idle_limit(std::chrono::minutes limit) { idle_limit_ = limit; }
    void set_most_sessions(std::size_t most) { most_sessions_ = most; }

    /// Null if there are as many as may be.
    std::shared_ptr<Session> open(const std::string& user, const std::string& remote_address,
                                  const std::string& user_agent);
    /// The session of a cookie, its time of last use renewed; null if there is none (any more).
    std::shared_ptr<Session> find(std::string_view cookie);
    std::shared_ptr<Session> find_by_key(std::string_view key) const;
    void close(const std::string& key);
    /// All of a user, who is no more.
    void close_user(std::string_view user);
    /// Ends those that were idle for too long.
    void expire();
    std::vector<std::shared_ptr<Session>> all() const;

private:
    const base::Clock& clock_;
    base::Random& random_;
    std::function<void(const Session&)> on_end_;
    std::chrono::minutes idle_limit_ = kIdleLimit;
    std::size_t most_sessions_ = kMostSessions;
    // By cookie. A look-up takes a time that depends on the order of cookies, not on how much of a
    // guess is right: the map is keyed by a hash that the process alone can compute.
    std::map<std::size_t, std::shared_ptr<Session>> by_cookie_;
    std::map<std::string, std::shared_ptr<Session>, std::less<>> by_key_;
    std::size_t hash(std::string_view cookie) const;
    bool make_room(const std::string& user);
    bool is_stale(const Session& session, base::WallTime now) const;
    std::string hash_key_ = random_.hex(16);
};

}  // namespace drover::service
