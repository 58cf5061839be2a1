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
/// memory dump nor the time of a look-up tells a password. What an account is known by is part of
/// them: once that changes, so with a new password, they are good no longer. One thread.
class RecentLogins {
public:
    static constexpr std::chrono::seconds kKept{60};
    static constexpr std::size_t kMost = 256;

    explicit RecentLogins(base::Random& random);

    /// `secret`: what the account has to show for its password now, so the stored hash.
    bool knows(const Credentials& credentials, const std::string& secret,
               base::SteadyTime now) const;
    void remember(const Credentials& credentials, const std::string& secret, base::SteadyTime now);

private:
    using Tag = std::array<std::uint64_t, 2>;
    struct Entry {
        Tag tag;
        base::SteadyTime until;
    };

    Tag tag_of(const Credentials& credentials, const std::string& secret) const;

    std::array<std::array<std::uint64_t, 2>, 2> keys_;
    std::vector<Entry> entries_;  // oldest first
};

/// Where passwords are known.
struct Passwords {
    /// Accounts::verify. Blocks: called in the blocking queue "accounts".
    std::function<bool(const std::string& user, const std::string& password)> verify;
    /// The stored hash of an account's password; empty if there is none. Called on the strand.
    std::function<std::string(const std::string& user)> hash_of;
};

/// Checks credentials. Hashing a password is slow by intent, so good ones are remembered, and wrong
/// ones cost their sender time. Belongs to the strand.
class BasicAuth {
public:
    BasicAuth(task::Runtime& runtime, base::Random& random, Passwords passwords)
        : runtime_(runtime), passwords_(std::move(passwords)), recent_(random) {}

    task::Awaitable<bool> check(Credentials credentials, std::string remote_address);

private:
    task::Runtime& runtime_;
    Passwords passwords_;
    RecentLogins recent_;
    std::map<std::string, int> failing_;  // by remote address: refusals that are being delayed
};

}  // namespace drover::host::files
