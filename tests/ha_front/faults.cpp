#include "faults.hpp"

#include <fnmatch.h>

#include <array>
#include <cerrno>
#include <ranges>
#include <utility>

namespace drover::ha_front {

namespace {

constexpr std::array<std::pair<std::string_view, Mode>, 6> kWords{{{"ok", Mode::ok},
                                                                   {"frozen", Mode::frozen},
                                                                   {"errors", Mode::errors},
                                                                   {"slow", Mode::slow},
                                                                   {"full", Mode::full},
                                                                   {"lossy", Mode::lossy}}};

}  // namespace

std::optional<Mode> mode_of(std::string_view word) {
    for (const auto& [name, mode] : kWords) {
        if (name == word) return mode;
    }
    return std::nullopt;
}

void Faults::add(Mode mode, std::uint32_t amount, std::string pattern) {
    const std::lock_guard lock(mutex_);
    rules_.push_back({mode, amount, std::move(pattern)});
    changed_.notify_all();
}

void Faults::clear() {
    const std::lock_guard lock(mutex_);
    rules_.clear();
    changed_.notify_all();
}

void Faults::switch_host(bool is_on) {
    const std::lock_guard lock(mutex_);
    is_on_ = is_on;
    changed_.notify_all();
}

Faults::Rule Faults::rule_of(const std::string& path) const {
    for (const auto& rule : rules_ | std::views::reverse) {
        if (::fnmatch(rule.pattern.c_str(), path.c_str(), 0) == 0) return rule;
    }
    return {Mode::ok, 0, {}};
}

int Faults::admit(const std::string& path) {
    std::unique_lock lock(mutex_);
    auto rule = rule_of(path);
    if (rule.mode == Mode::slow) {
        const auto until =
            std::chrono::steady_clock::now() + std::chrono::milliseconds{rule.amount};
        changed_.wait_until(lock, until, [this] { return !is_on_; });
        rule = rule_of(path);
    }
    ++waiting_;
    while (is_on_ && rule.mode == Mode::frozen) {
        changed_.wait(lock);
        rule = rule_of(path);
    }
    --waiting_;
    if (!is_on_ || rule.mode == Mode::errors) return EIO;
    if (rule.mode == Mode::lossy && chance_() % 100 < rule.amount) return EIO;
    return 0;
}

bool Faults::is_full(const std::string& path) {
    const std::lock_guard lock(mutex_);
    return rule_of(path).mode == Mode::full;
}

std::size_t Faults::waiting() {
    const std::lock_guard lock(mutex_);
    return waiting_;
}

}  // namespace drover::ha_front
