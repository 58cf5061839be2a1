#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "hypervisor/migration.hpp"

namespace drover::hypervisor::simulated {

/// A migration from here that is under way: its memory "goes" with the time. Thread-safe.
class Departure {
public:
    Departure(std::uint64_t memory_bytes, std::uint64_t bytes_per_s, bool may_post_copy)
        : memory_bytes_(memory_bytes), bytes_per_s_(bytes_per_s), may_post_copy_(may_post_copy) {}

    std::atomic<bool> cancel_requested = false;
    std::atomic<bool> post_copy = false;
    std::atomic<bool> copies = false;  ///< the other engine has agreed

    void begin() {
        began_ = std::chrono::steady_clock::now();
        copies = true;
    }
    bool may_post_copy() const { return may_post_copy_; }
    bool is_copied() const { return copies && (post_copy || gone_bytes() >= memory_bytes_); }
    MigrationProgress progress() const;

private:
    std::uint64_t gone_bytes() const;

    const std::uint64_t memory_bytes_;
    const std::uint64_t bytes_per_s_;
    const bool may_post_copy_;
    std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

}  // namespace drover::hypervisor::simulated
