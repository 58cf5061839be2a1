#include "service/login_guard.hpp"

#include <algorithm>

namespace drover::service {

bool LoginGuard::begin(const std::string& address) {
    const auto known = under_way_.find(address);
    if (all_under_way_ >= kMostUnderWay) return false;
    if (known != under_way_.end() && known->second >= kMostUnderWayPerAddress) return false;
    ++under_way_[address];
    ++all_under_way_;
    return true;
}

void LoginGuard::end(const std::string& address) {
    const auto known = under_way_.find(address);
    if (known == under_way_.end()) return;
    --all_under_way_;
    if (--known->second == 0) under_way_.erase(known);
}

int LoginGuard::note(ByName& failures, const std::string& name) {
    const auto now = clock_.steady_now();
    if (failures.size() >= kMostRemembered && !failures.contains(name)) {
        failures.erase(std::ranges::min_element(
            failures, {}, [](const auto& entry) { return entry.second.last; }));
    }
    Failures& entry = failures[name];
    if (now - entry.last > kForgetAfter) entry.count = 0;
    entry.last = now;
    return ++entry.count;
}

std::chrono::milliseconds LoginGuard::failed(const std::string& address,
                                             const std::string& account) {
    const int count = std::max(note(by_address_, address), note(by_account_, account));
    // Three mistakes are a person's; then each doubles the wait.
    const int doublings = std::clamp(count - 3, 0, 10);
    return std::min(kLongestDelay, kFirstDelay * (1 << doublings));
}

void LoginGuard::succeeded(const std::string& address, const std::string& account) {
    by_address_.erase(address);
    by_account_.erase(account);
}

}  // namespace drover::service
