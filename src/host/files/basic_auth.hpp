#pragma once

// HTTP basic authentication for clients that have no session.

#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/random.hpp"
#include "task/runtime.hpp"

namespace drover::host::files {

struct Credentials {
    std::string user;
    std::string password;
};

/// Reads "Basic <base64 of user:password>"; nothing if the header is anything else, is longer than
/// 1024 bytes or holds control characters.
std::optional<Credentials> parse_basic(std::string_view authorization);

/// Credentials that were good a short while ago. It holds keyed hashes only, so that neither a
/// memory dump nor the time of a look-up tells a password. One thread.
class RecentLogins {
public:
    /// A changed password stays good for as long as this.
    static constexpr std::chrono::seconds kKept{60};
    static constexpr std::size_t kMost = 256;

    explicit RecentLogins(base::Random& random);

    bool knows(const Credentials& credentials, base::SteadyTime now) const;
    void remember(const Credentials& credentials, base::SteadyTime now);

private:
    using Tag = std::array<std::uint64_t, 2>;
    struct Entry {
        Tag tag;
        base::SteadyTime until;
    };

    Tag tag_of(const Credentials& credentials) const;

    std::array<std::array<std::uint64_t, 2>, 2> keys_;
    std::vector<Entry> entries_;  // oldest first
};

/// Checks credentials. Hashing a password is slow by intent, so good ones are remembered, and wrong
/// ones cost their sender time. Belongs to the strand.
class BasicAuth {
public:
    /// Blocks; any thread (Accounts::verify).
    using Verify = std::function<bool(const std::string& user, const std::string& password)>;

    BasicAuth(task::Runtime& runtime, base::Random& random, Verify verify)
        : runtime_(runtime), verify_(std::move(verify)), recent_(random) {}

    task::Awaitable<bool> check(Credentials credentials, std::string remote_address);

private:
    task::Runtime& runtime_;
    Verify verify_;
    RecentLogins recent_;
    std::map<std::string, int> failing_;  // by remote address: refusals that are being delayed
};

}  // namespace drover::host::files
