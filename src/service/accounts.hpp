#pragma once

// Local accounts: who may log in. Passwords are kept as yescrypt hashes (crypt(5)), never as text.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.hpp"

namespace drover::service {

/// One account as it is stored.
struct Account {
    std::string name;
    std::string hash;  ///< of crypt(5); empty: nobody can log in with a password
    int posix_id = 0;  ///< 0: the first account, else unique and never used again
    std::string description;

    friend bool operator==(const Account&, const Account&) = default;
};

/// True for 1 to 64 of A-Z a-z 0-9 _-.@\: names of users and of groups.
bool is_account_name(std::string_view name);
/// True for 1 to 256 bytes without NUL.
bool is_possible_password(std::string_view password);
/// A new yescrypt hash. Takes about a tenth of a second; any thread.
std::string hash_of_password(const std::string& password);

store::Record record_of(const Account& account);
Account read_account(const store::Record& record);

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

    /// All accounts, by name. Blocks.
    std::vector<Account> all() const;

private:
    store::Store& store_;
};

}  // namespace drover::service
