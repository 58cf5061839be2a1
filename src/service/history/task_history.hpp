#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "service/history/collectors.hpp"
#include "service/history/event_log.hpp"
#include "task/tasks.hpp"

namespace drover::service {

/// Watches all tasks: posts the event of each, keeps the ended ones in the history, and shows all
/// to collectors. Belongs to the strand.
class TaskHistory final : public task::TaskObserver {
public:
    struct Parts {
        model::Inventory& inventory;
        store::History& history;
        EventLog& events;
        HistoryCollectors& collectors;
        vim::MoRef root;
        vim::MoRef lost_parent;
    };

    /// Reads the history: blocks.
    explicit TaskHistory(Parts parts);

    std::int32_t task_started(const vim::TaskInfo& info, const vim::Value& request) override;
    void task_changed(const vim::TaskInfo& info) override;

    /// Told of every task after its TaskEvent was posted, and when it has ended.
    using Started = std::function<void(const vim::TaskInfo&, const vim::Value& request)>;
    using Ended = std::function<void(const vim::TaskInfo&, const vim::Value& request)>;
    void on_start(Started listener) { started_ = std::move(listener); }
    void on_end(Ended listener) { ended_ = std::move(listener); }

private:
    struct Open {
        HistoryItem item;
        vim::Value request;
    };

    void write(const HistoryItem& item, const vim::TaskInfo& info);
    std::vector<HistoryItem> open_items() const;

    Parts parts_;
    std::int64_t next_number_ = 1;
    std::map<std::string, Open> open_;  // by key: tasks that have not ended
    Started started_;
    Ended ended_;
};

}  // namespace drover::service
