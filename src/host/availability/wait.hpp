#pragma once

#include "host/availability/availability.hpp"

namespace drover::host {

/// Waits for what drover-had says of one machine; what was heard before does not count. Belongs to
/// the strand; one for a machine at a time.
class Availability::Wait {
public:
    static constexpr std::chrono::milliseconds kLook{20};

    Wait(Availability& all, std::string uuid) : all_(all), uuid_(std::move(uuid)) {
        all_.heard_[uuid_] = {};
    }
    ~Wait() { all_.heard_.erase(uuid_); }
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;

    const Heard& heard() const { return all_.heard_[uuid_]; }

    /// False if it does not come to hold in time, or drover-had is gone.
    template <class Condition>
    task::Awaitable<bool> until(Condition holds, std::chrono::milliseconds limit,
                                std::chrono::milliseconds look = kLook) {
        for (std::chrono::milliseconds waited{0}; waited < limit; waited += look) {
            if (holds(all_.heard_[uuid_])) co_return true;
            if (!all_.is_greeted_) co_return false;
            co_await all_.context_.runtime.sleep(look);
        }
        co_return false;
    }

private:
    Availability& all_;
    std::string uuid_;
};

}  // namespace drover::host
