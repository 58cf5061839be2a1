#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>

#include "faults.hpp"

namespace drover::ha_front {

/// Watches the host's first process from outside: a host that is over loses what it had not
/// written. Also the host's watchdog: a pipe that wants to be written to.
class Power {
public:
    /// `watchdog`: a named pipe that is made; the first byte arms it, then 3 s of silence end the
    /// host. A 'V' disarms it. Throws std::system_error.
    Power(Faults& faults, const std::string& watchdog);
    ~Power();
    Power(const Power&) = delete;
    Power& operator=(const Power&) = delete;

    /// The host is on; this is its first process.
    void on(pid_t first);
    /// The host is off (its cable was pulled): what waits is dropped.
    void off();

    /// How often the watchdog has ended the host.
    int bites() const { return bites_; }

private:
    void watch(const std::stop_token& over);
    void look_at_watchdog(std::int64_t now);

    Faults& faults_;
    int pipe_ = -1;
    std::atomic<pid_t> first_ = 0;
    std::atomic<int> bites_ = 0;
    std::int64_t petted_ns_ = 0;  // 0: not armed
    std::jthread thread_{};
};

}  // namespace drover::ha_front
