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

    Sessions(const base::Clock& clock, base::Random& random) : clock_(clock), random_(random) {}

    /// Called with each session that ends, for whatever reason, before it is forgotten.
    void on_end(std::function<void(const Session&)> callback) { on_end_ = std::move(callback); }

    /// Null if there are kMostSessions already.
    std::shared_ptr<Session> open(const std::string& user, const std::string& remote_address,
                                  const std::string& user_agent);
    /// The session of a cookie, its time of last use renewed; null if there is none (any more).
    std::shared_ptr<Session> find(std::string_view cookie);
    std::shared_ptr<Session> find_by_key(std::string_view key) const;
    void close(const std::string& key);
    /// Ends those that were idle for longer than kIdleLimit.
    void expire();
    std::vector<std::shared_ptr<Session>> all() const;

private:
    const base::Clock& clock_;
    base::Random& random_;
    std::function<void(const Session&)> on_end_;
    // By cookie. A look-up takes a time that depends on the order of cookies, not on how much of a
    // guess is right: the map is keyed by a hash that the process alone can compute.
    std::map<std::size_t, std::shared_ptr<Session>> by_cookie_;
    std::size_t hash(std::string_view cookie) const;
    std::string hash_key_ = random_.hex(16);
};

}  // namespace drover::service
