#include "service/history/task_history.hpp"

#include "service/history/task_filter.hpp"
#include "vim/history_types.hpp"

namespace drover::service {

using vim::TaskInfo;
using vim::TaskInfoState;

namespace {

constexpr std::size_t kMostBytes = 256 << 10;

bool has_ended(const TaskInfo& info) {
    return info.state() == TaskInfoState::success || info.state() == TaskInfoState::error;
}

}  // namespace

TaskHistory::TaskHistory(Parts parts) : parts_(std::move(parts)) {
    next_number_ = parts_.history.first_free_number(store::Log::tasks);
    parts_.collectors.set_unwritten_tasks([this] { return open_items(); });
}

std::int32_t TaskHistory::task_started(const TaskInfo& info, const vim::Value& request) {
    auto event = vim::TaskEvent::make();
    event.set_info(info);
    TaskInfo known = info;
    known.set_eventChainId(parts_.events.post(event, user_of(info)));
    Open open;
    open.item.number = next_number_++;
    open.item.value = known.raw();
    std::vector<vim::MoRef> about{info.entity().value_or(parts_.root)};
    open.item.objects = objects_around(parts_.inventory, about, parts_.lost_parent);
    open.request = request;
    parts_.collectors.changed(store::Log::tasks, open.item);
    open_.insert_or_assign(std::string(info.key()), std::move(open));
    if (started_) started_(known, request);
    return known.eventChainId();
}

void TaskHistory::task_changed(const TaskInfo& info) {
    const auto found = open_.find(std::string(info.key()));
    if (found == open_.end()) return;
    found->second.item.value = info.raw();
    parts_.collectors.changed(store::Log::tasks, found->second.item);
    if (!has_ended(info)) return;
    const Open open = std::move(found->second);
    open_.erase(found);
    write(open.item, info);
    if (ended_) ended_(info, open.request);
}

void TaskHistory::write(const HistoryItem& item, const TaskInfo& info) {
    store::HistoryEntry entry;
    entry.log = store::Log::tasks;
    entry.number = item.number;
    entry.chain = info.eventChainId();
    entry.type = vim::to_string(info.state());
    entry.user = user_of(info);
    entry.time = info.queueTime();
    entry.started = info.startTime();
    entry.completed = info.completeTime();
    // Off the strand.
    entry.encode = [info] {
        std::string text = to_stored(info.raw());
        if (text.size() <= kMostBytes) return text;
        TaskInfo smaller = info;
        smaller.clear_result();
        return to_stored(smaller.raw());
    };
    entry.objects = *item.objects;
    parts_.history.append(std::move(entry));
}

std::vector<HistoryItem> TaskHistory::open_items() const {
    std::vector<HistoryItem> items;
    items.reserve(open_.size());
    for (const auto& [_, open] : open_) items.push_back(open.item);
    return items;
}

}  // namespace drover::service
