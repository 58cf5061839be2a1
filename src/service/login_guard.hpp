#pragma once

// Slows down who guesses passwords, without locking anybody out: wrong passwords are answered later
// and later, by address and by account, and one address can't keep the hashing busy for all others.
// The right password is accepted at once, wherever it comes from.

#include <chrono>
#include <cstddef>
#include <map>
#include <string>

#include "base/clock.hpp"

namespace drover::service {

/// Belongs to the strand.
class LoginGuard {
public:
    /// Logins that are being checked or whose refusal is being held back.
    static constexpr std::size_t kMostUnderWay = 200;
    static constexpr std::size_t kMostUnderWayPerAddress = 20;
    static constexpr std::chrono::milliseconds kFirstDelay{500};
    static constexpr std::chrono::milliseconds kLongestDelay{8000};
    /// A failure is forgotten after this long without another one.
    static constexpr std::chrono::minutes kForgetAfter{15};
    /// Addresses and accounts remembered, of each; the oldest go first.
    static constexpr std::size_t kMostRemembered = 10'000;

    explicit LoginGuard(const base::Clock& clock) : clock_(clock) {}

    /// One more login from this address; false: refuse it without a look. Each that was let in is
    /// ended by end().
    bool begin(const std::string& address);
    void end(const std::string& address);

    /// A wrong password: how long to hold the answer back.
    std::chrono::milliseconds failed(const std::string& address, const std::string& account);
    /// A right one: its address and account begin anew.
    void succeeded(const std::string& address, const std::string& account);

private:
    struct Failures {
        int count = 0;
        base::SteadyTime last{};
    };
    using ByName = std::map<std::string, Failures>;

    int note(ByName& failures, const std::string& name);

    const base::Clock& clock_;
    std::map<std::string, std::size_t> under_way_;
    std::size_t all_under_way_ = 0;
    ByName by_address_;
    ByName by_account_;
};

}  // namespace drover::service
