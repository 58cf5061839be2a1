#pragma once

// For tests: an event log that only remembers what was posted.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "service/history/event_log.hpp"
#include "vim/history_types.hpp"

namespace drover::service {

class CollectedEvents final : public EventLog {
public:
    using EventLog::post;
    std::int32_t post(vim::Event event, const std::string& user) override {
        events.push_back(std::move(event));
        users.push_back(user);
        return static_cast<std::int32_t>(events.size());
    }

    /// The types of the events, in their order.
    std::vector<std::string> types() const {
        std::vector<std::string> names;
        for (const auto& event : events) {
            names.emplace_back(vim::describe(event.dynamic_type()).name());
        }
        return names;
    }

    std::vector<vim::Event> events;
    std::vector<std::string> users;
};

}  // namespace drover::service
