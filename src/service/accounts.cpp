#include "service/accounts.hpp"

#include <crypt.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <stdexcept>

#include "base/check.hpp"
#include "service/secrets.hpp"

namespace drover::service {
namespace {

constexpr std::string_view kKind = "account";
constexpr std::size_t kNameLimitBytes = 64;
constexpr std::size_t kPasswordLimitBytes = 256;

std::string hash_password(const std::string& password, const std::string& setting) {
    const auto data = std::make_unique<crypt_data>();
    const char* hash = ::crypt_r(password.c_str(), setting.c_str(), data.get());
    // libcrypt reports failure as a text that begins with '*'.
    if (hash == nullptr || hash[0] == '*') return {};
    return hash;
}

std::string new_setting() {
    std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> setting{};
    const char* made =
        ::crypt_gensalt_rn("$y$", 0, nullptr, 0, setting.data(), static_cast<int>(setting.size()));
    DROVER_CHECK(made != nullptr);
    return made;
}

// "<hash>\n<posix id>\n<description>"; older records hold the hash alone.
std::string first_line(std::string_view& text) {
    const auto end = text.find('\n');
    std::string line(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

}  // namespace

bool is_account_name(std::string_view name) {
    return !name.empty() && name.size() <= kNameLimitBytes && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '.' || c == '@' || c == '\\';
    });
}

bool is_possible_password(std::string_view password) {
    return !password.empty() && password.size() <= kPasswordLimitBytes &&
           password.find('\0') == std::string_view::npos;
}

std::string hash_of_password(const std::string& password) {
    std::string hash = hash_password(password, new_setting());
    DROVER_CHECK(!hash.empty());
    return hash;
}

store::Record record_of(const Account& account) {
    store::Record record;
    record.kind = kKind;
    record.id = account.name;
    record.value =
        account.hash + "\n" + std::to_string(account.posix_id) + "\n" + account.description;
    return record;
}

Account read_account(const store::Record& record) {
    std::string_view rest = record.value;
    Account account;
    account.name = record.id;
    account.hash = first_line(rest);
    const std::string number = first_line(rest);
    std::from_chars(number.data(), number.data() + number.size(), account.posix_id);
    account.description = rest;
    return account;
}

void Accounts::set_password(const std::string& user, const std::string& password) {
    if (!is_account_name(user)) {
        throw std::invalid_argument("'" + user +
                                    "' is no account name: 1 to 64 of A-Z a-z 0-9 _-.@\\");
    }
    if (!is_possible_password(password)) {
        throw std::invalid_argument("a password has 1 to 256 bytes and no NUL");
    }
    // The rest of what is known of it stays.
    const auto known = store_.get(kKind, user);
    Account account = known ? read_account(*known) : Account{user, {}, 0, {}};
    if (!known) {
        for (const Account& other : all()) {
            account.posix_id = std::max(account.posix_id, other.posix_id + 1);
        }
    }
    account.hash = hash_of_password(password);
    store_.commit_and_wait(store::Batch().put(record_of(account)));
}

bool Accounts::verify(const std::string& user, const std::string& password) const {
    const auto record = store_.get(kKind, user.empty() ? "?" : user);
    const std::string known = record ? read_account(*record).hash : std::string();
    // The same work for an account that isn't there, so that time tells nothing.
    const std::string setting = known.empty() ? new_setting() : known;
    // crypt(5) reads up to a NUL, so with one in it more than one text would be right.
    if (password.size() > kPasswordLimitBytes || password.find('\0') != std::string::npos) {
        return false;
    }
    const std::string hash = hash_password(password, setting);
    return !known.empty() && !hash.empty() && equal_in_constant_time(hash, known);
}

bool Accounts::any() const {
    return !store_.load(kKind).empty();
}

std::vector<Account> Accounts::all() const {
    std::vector<Account> accounts;
    for (const auto& record : store_.load(kKind)) accounts.push_back(read_account(record));
    return accounts;
}

}  // namespace drover::service
