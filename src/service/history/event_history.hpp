#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "service/history/event_log.hpp"
#include "service/history/history_item.hpp"
#include "task/runtime.hpp"
#include "vim/history_types.hpp"

namespace drover::service {

/// The event log of a server: numbers events, completes them, writes them to the history and tells
/// whoever listens. Belongs to the strand.
class EventHistory final : public EventLog {
public:
    /// An event that takes more room than this loses its configuration (VmReconfiguredEvent, ...).
    static constexpr std::size_t kMostBytes = 256 << 10;

    struct Parts {
        task::Runtime& runtime;
        model::Inventory& inventory;
        store::History& history;
        vim::MoRef manager;      ///< the EventManager; its latestEvent follows
        vim::MoRef root;         ///< what events are about that are about nothing else
        vim::MoRef lost_parent;  ///< what stood above machines that are gone
        /// Fills arguments that follow from others and from the server.
        std::function<void(vim::Event&)> complete;
    };

    /// Reads the history: blocks.
    explicit EventHistory(Parts parts);

    using EventLog::post;
    std::int32_t post(vim::Event event, const std::string& user) override;

    /// Told of every event, after it was completed.
    void on_event(std::function<void(const HistoryItem&)> listener) {
        listeners_.push_back(std::move(listener));
    }

    const vim::Event& latest() const { return latest_; }

private:
    void fill(vim::Event& event, const std::string& user);
    void publish_soon();

    Parts parts_;
    std::int32_t next_key_ = 1;
    vim::Event latest_;
    bool is_announced_ = false;
    std::vector<std::function<void(const HistoryItem&)>> listeners_;
};

/// The objects that an event is about: its arguments, and what its task works on.
std::vector<vim::MoRef> objects_of(const vim::Event& event);

}  // namespace drover::service
