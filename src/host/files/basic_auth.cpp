#include "host/files/basic_auth.hpp"

#include <algorithm>
#include <span>

#include "base/log.hpp"
#include "host/files/keyed_hash.hpp"

namespace drover::host::files {

using task::Awaitable;

namespace {

constexpr std::size_t kMostHeaderBytes = 1024;
constexpr std::chrono::seconds kHashLimit{30};
constexpr std::chrono::milliseconds kFailureDelay{500};
constexpr int kMostFailing = 20;

int digit_of(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    if (c == '/') return 63;
    return -1;
}

std::optional<std::string> decode_base64(std::string_view text) {
    while (text.ends_with('=')) text.remove_suffix(1);
    if (text.size() % 4 == 1) return std::nullopt;
    std::string bytes;
    unsigned bits = 0;
    int count = 0;
    for (const char c : text) {
        const int digit = digit_of(c);
        if (digit < 0) return std::nullopt;
        bits = (bits << 6 | static_cast<unsigned>(digit)) & 0xffff;
        count += 6;
        if (count < 8) continue;
        count -= 8;
        bytes.push_back(static_cast<char>(bits >> count & 0xff));
    }
    return bytes;
}

bool has_control(std::string_view text) {
    return std::ranges::any_of(
        text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

std::uint64_t random_word(base::Random& random) {
    std::array<std::uint8_t, 8> bytes{};
    random.fill(bytes);
    std::uint64_t word = 0;
    for (const std::uint8_t byte : bytes) word = word << 8 | byte;
    return word;
}

}  // namespace

std::optional<Credentials> parse_basic(std::string_view authorization) {
    constexpr std::string_view kScheme = "basic";
    if (authorization.size() > kMostHeaderBytes || authorization.size() <= kScheme.size()) {
        return std::nullopt;
    }
    const auto same = [](char a, char b) { return (a | 0x20) == b; };
    if (!std::ranges::equal(authorization.substr(0, kScheme.size()), kScheme, same) ||
        authorization[kScheme.size()] != ' ') {
        return std::nullopt;
    }
    std::string_view encoded = authorization.substr(kScheme.size());
    while (encoded.starts_with(' ')) encoded.remove_prefix(1);
    while (encoded.ends_with(' ')) encoded.remove_suffix(1);
    const auto decoded = decode_base64(encoded);
    if (!decoded || has_control(*decoded)) return std::nullopt;
    const auto colon = decoded->find(':');
    if (colon == std::string::npos || colon == 0) return std::nullopt;
    return Credentials{decoded->substr(0, colon), decoded->substr(colon + 1)};
}

RecentLogins::RecentLogins(base::Random& random) {
    for (auto& key : keys_) {
        for (auto& word : key) word = random_word(random);
    }
}

RecentLogins::Tag RecentLogins::tag_of(const Credentials& credentials,
                                       const std::string& secret) const {
    // NUL can't be in any of them, so nothing else gives the same text.
    const std::string text = credentials.user + '\0' + credentials.password + '\0' + secret;
    return {keyed_hash(keys_[0], text), keyed_hash(keys_[1], text)};
}

bool RecentLogins::knows(const Credentials& credentials, const std::string& secret,
                         base::SteadyTime now) const {
    const Tag tag = tag_of(credentials, secret);
    bool known = false;
    for (const Entry& entry : entries_) {
        const std::uint64_t differs = (entry.tag[0] ^ tag[0]) | (entry.tag[1] ^ tag[1]);
        known |= differs == 0 && now < entry.until;
    }
    return known;
}

void RecentLogins::remember(const Credentials& credentials, const std::string& secret,
                            base::SteadyTime now) {
    const Tag tag = tag_of(credentials, secret);
    std::erase_if(entries_,
                  [&](const Entry& entry) { return entry.until <= now || entry.tag == tag; });
    if (entries_.size() >= kMost) entries_.erase(entries_.begin());
    entries_.push_back({tag, now + kKept});
}

Awaitable<bool> BasicAuth::check(Credentials credentials, std::string remote_address) {
    const auto now = runtime_.clock().steady_now();
    const std::string secret = passwords_.hash_of(credentials.user);
    if (!secret.empty() && recent_.knows(credentials, secret, now)) co_return true;
    const auto failing = failing_.find(remote_address);
    if (failing != failing_.end() && failing->second > kMostFailing) {
        base::log_warning("audit: '{}' from {} refused: too many failures", credentials.user,
                          remote_address);
        co_return false;
    }
    const bool good = co_await runtime_.blocking(
        "accounts",
        [verify = passwords_.verify, credentials] {
            return verify(credentials.user, credentials.password);
        },
        kHashLimit);
    if (good) {
        base::log_info("audit: '{}' from {} authenticated for files", credentials.user,
                       remote_address);
        // If it changed while it was being checked, the new one must be checked next time.
        recent_.remember(credentials, secret, runtime_.clock().steady_now());
        co_return true;
    }
    base::log_warning("audit: '{}' from {} refused", credentials.user, remote_address);
    ++failing_[remote_address];
    co_await runtime_.sleep(kFailureDelay);
    if (--failing_[remote_address] <= 0) failing_.erase(remote_address);
    co_return false;
}

}  // namespace drover::host::files
