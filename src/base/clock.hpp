#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <optional>

namespace drover::base {

/// Wall-clock time with microseconds: what the API's dateTime carries.
using WallTime = std::chrono::sys_time<std::chrono::microseconds>;
/// Time that never jumps back: for deadlines and rates.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

/// Where time comes from. Code that needs the time takes a Clock in its constructor, so that tests
/// and simulations decide what time it is. Thread-safe.
class Clock {
public:
    virtual ~Clock() = default;
    virtual WallTime wall_now() const = 0;
    virtual SteadyTime steady_now() const = 0;
};

/// The machine's own clocks.
class SystemClock final : public Clock {
public:
    WallTime wall_now() const override;
    SteadyTime steady_now() const override;
};

/// A clock that stands still until it is told otherwise. For tests; one thread.
class ManualClock final : public Clock {
public:
    explicit ManualClock(WallTime start) : wall_(start) {}
    WallTime wall_now() const override { return wall_; }
    SteadyTime steady_now() const override { return steady_; }
    void advance(std::chrono::microseconds by) {
        wall_ += by;
        steady_ += by;
    }

private:
    WallTime wall_;
    SteadyTime steady_{};
};

/// RFC 3339 in UTC with microseconds, as XML Schema's dateTime: 2026-01-31T12:00:00.123456Z
std::string format_time(WallTime time);

/// Reads an XML Schema dateTime (any offset, optional fraction; no offset means UTC).
/// Empty if the text is none or lies outside the years 1 to 9999.
std::optional<WallTime> parse_time(std::string_view text);

}  // namespace drover::base
