#include "center/availability/choose_etcd.hpp"

#include <algorithm>

namespace drover::center {

namespace {

constexpr std::size_t kFewHosts = 3;
constexpr std::size_t kManyHosts = 7;
constexpr std::size_t kFewMembers = 3;
constexpr std::size_t kManyMembers = 5;

const std::string* find(const std::map<std::string, std::string>& all, const std::string& host) {
    const auto found = all.find(host);
    return found == all.end() ? nullptr : &found->second;
}

}  // namespace

DraftEtcd choose_etcd(const std::vector<DraftHost>& hosts, const DraftEtcd& present) {
    DraftEtcd made;
    if (hosts.size() < kFewHosts) return made;
    const std::size_t wanted = hosts.size() >= kManyHosts ? kManyMembers : kFewMembers;
    std::map<std::string, std::string> candidates;
    for (const auto& host : hosts) {
        const auto* known = find(present.certificates, host.uuid);
        const auto& certificate =
            host.certificate.empty() && known != nullptr ? *known : host.certificate;
        if (certificate.empty()) continue;
        made.certificates[host.uuid] = certificate;
        const auto* was = find(present.members, host.uuid);
        const auto& address = host.address.empty() && was != nullptr ? *was : host.address;
        if (address.empty()) continue;
        const bool is_taken = std::ranges::any_of(
            candidates, [&](const auto& other) { return other.second == address; });
        if (!is_taken) candidates[host.uuid] = address;
    }
    for (const auto& [host, address] : candidates) {
        const auto* was = find(present.members, host);
        if (was != nullptr && *was == address && made.members.size() < wanted) {
            made.members[host] = address;
        }
    }
    for (const auto& [host, address] : candidates) {
        if (made.members.size() < wanted) made.members.emplace(host, address);
    }
    // One or two could not lose any.
    if (made.members.size() < kFewMembers) return {};
    if (made.members.size() == 4) made.members.erase(std::prev(made.members.end()));
    return made;
}

}  // namespace drover::center
