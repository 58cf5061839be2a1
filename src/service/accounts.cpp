#include "service/accounts.hpp"

#include <crypt.h>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>

#include "base/check.hpp"

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

bool equal_in_constant_time(std::string_view left, std::string_view right) {
    unsigned difference = left.size() == right.size() ? 0u : 1u;
    for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
        difference |= static_cast<unsigned char>(left[i]) ^ static_cast<unsigned char>(right[i]);
    }
    return difference == 0;
}

bool is_account_name(std::string_view name) {
    return !name.empty() && name.size() <= kNameLimitBytes && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '.' || c == '@' || c == '\\';
    });
}

}  // namespace

void Accounts::set_password(const std::string& user, const std::string& password) {
    if (!is_account_name(user)) {
        throw std::invalid_argument("'" + user +
                                    "' is no account name: 1 to 64 of A-Z a-z 0-9 _-.@\\");
    }
    if (password.empty() || password.size() > kPasswordLimitBytes ||
        password.find('\0') != std::string::npos) {
        throw std::invalid_argument("a password has 1 to 256 bytes and no NUL");
    }
    store::Record record;
    record.kind = kKind;
    record.id = user;
    record.value = hash_password(password, new_setting());
    DROVER_CHECK(!record.value.empty());
    store_.commit_and_wait(store::Batch().put(std::move(record)));
}

bool Accounts::verify(const std::string& user, const std::string& password) const {
    const auto record = store_.get(kKind, user.empty() ? "?" : user);
    // The same work for an account that isn't there, so that time tells nothing.
    const std::string setting = record ? record->value : new_setting();
    // crypt(5) reads up to a NUL, so with one in it more than one text would be right.
    if (password.size() > kPasswordLimitBytes || password.find('\0') != std::string::npos) {
        return false;
    }
    const std::string hash = hash_password(password, setting);
    return record && !hash.empty() && equal_in_constant_time(hash, record->value);
}

bool Accounts::any() const {
    return !store_.load(kKind).empty();
}

}  // namespace drover::service
