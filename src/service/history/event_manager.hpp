#pragma once

#include "service/history/collectors.hpp"
#include "service/history/event_history.hpp"

namespace drover::service {

/// The EventManager object and its methods.
class EventManager {
public:
    struct Parts {
        task::Runtime& runtime;
        model::Inventory& inventory;
        task::Dispatcher& dispatcher;
        store::History& history;
        EventHistory& events;
        HistoryCollectors& collectors;
        vim::MoRef manager;
        vim::MoRef root;
    };

    explicit EventManager(Parts parts);
    EventManager(const EventManager&) = delete;
    EventManager& operator=(const EventManager&) = delete;

private:
    void create_object();
    /// What a caller may see of the events; unset: all.
    HistoryCollectors::Sees eyes_of(const task::Caller& caller) const;
    task::Awaitable<vim::Value> create_collector(task::Call call);
    task::Awaitable<vim::Value> query(task::Call call);
    task::Awaitable<vim::Value> post(task::Call call);
    task::Awaitable<vim::Value> log_user_event(task::Call call);
    task::Awaitable<void> written();

    Parts parts_;
};

}  // namespace drover::service
