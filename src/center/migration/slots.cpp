#include "center/migration/slots.hpp"

#include <algorithm>

namespace drover::center {

using task::Awaitable;

namespace {

// Migrations take seconds at least: looking this often costs no time that anybody notices.
constexpr std::chrono::milliseconds kLook{100};

}  // namespace

std::size_t Slots::used(const std::string& key) const {
    const auto found = used_->find(key);
    return found == used_->end() ? 0 : found->second;
}

bool Slots::is_free(const std::vector<std::string>& keys) const {
    return std::ranges::all_of(keys, [&](const auto& key) { return used(key) < limit_; });
}

Awaitable<Slots::Turn> Slots::take(std::vector<std::string> keys, task::TaskContextPtr task) {
    bool told = false;
    while (!is_free(keys)) {
        if (task) task->check_cancelled();
        if (task && !told) task->set_description("Waiting for other migrations of these hosts");
        told = true;
        co_await runtime_.sleep(kLook);
    }
    for (const std::string& key : keys) ++(*used_)[key];
    co_return Turn(nullptr, [used = used_, keys](void*) {
        for (const std::string& key : keys) {
            if (--(*used)[key] == 0) used->erase(key);
        }
    });
}

}  // namespace drover::center
