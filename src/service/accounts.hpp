#pragma once

// Local accounts: who may log in. Passwords are kept as yescrypt hashes (crypt(5)), never as text.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "store/store.hpp"

namespace drover::service {

class Accounts {
public:
    explicit Accounts(store::Store& store) : store_(store) {}

    /// Sets the password of an account, and makes the account if there is none. Blocks (hashing
    /// takes about a tenth of a second). Throws std::invalid_argument for names that are no account
    /// names and passwords that are empty or longer than 256 bytes.
    void set_password(const std::string& user, const std::string& password);

    /// True if the account exists and this is its password. Takes as long for an unknown account as
    /// for a wrong password. Blocks; thread-safe.
    bool verify(const std::string& user, const std::string& password) const;

    /// True if any account was ever made.
    bool any() const;

private:
    store::Store& store_;
};

}  // namespace drover::service
