#pragma once

// Events and tasks of the center: everything that records, keeps and shows them, put together.

#include <memory>
#include <string_view>

#include "center/config.hpp"
#include "service/history/event_manager.hpp"
#include "service/history/task_history.hpp"

namespace drover::center {

/// Belongs to the strand. Outlives everything that posts events.
class CenterHistory {
public:
    /// Opens the history. Blocks; throws store::StoreError.
    static std::unique_ptr<store::History> open(const Config& config);

    CenterHistory(const Config& config, task::Runtime& runtime, base::Random& random,
                  model::Inventory& inventory, std::unique_ptr<store::History> history);

    service::EventHistory& events() { return events_; }
    service::HistoryCollectors& collectors() { return collectors_; }
    service::TaskHistory& tasks() { return tasks_; }

    /// What watches the tasks, for Tasks::observe().
    task::TaskObserver& observer() { return tasks_; }

    /// Makes the EventManager and serves the methods of events and tasks. The TaskManager is there.
    void serve(task::Dispatcher& dispatcher, task::Tasks& tasks);

    void end_session(std::string_view session) { collectors_.end_session(session); }
    /// Forgets what is too old.
    void expire();

private:
    const Config& config_;
    task::Runtime& runtime_;
    model::Inventory& inventory_;
    std::unique_ptr<store::History> history_;
    service::EventHistory events_;
    service::HistoryCollectors collectors_;
    service::TaskHistory tasks_;
    std::unique_ptr<service::EventManager> manager_;
};

/// Fills the arguments of an event that follow from others: where a machine runs, what a host
/// belongs to, the datacenter. What is set stays.
void complete_event(const model::Inventory& inventory, vim::Event& event);

}  // namespace drover::center
