#include "service/history/task_filter.hpp"

#include <fmt/format.h>

#include "vim/fault.hpp"

namespace drover::service {

using vim::Value;

namespace {

constexpr std::size_t kMostListed = 1'000;

template <class View>
void check_size(const View& list, std::string_view path) {
    if (list.size() <= kMostListed) return;
    throw vim::invalid_argument(path, fmt::format("{} has {} entries; up to {} are allowed.", path,
                                                  list.size(), kMostListed));
}

std::set<std::string, std::less<>> names(const vim::ArrayView<std::string_view>& list,
                                         std::string_view path) {
    check_size(list, path);
    std::set<std::string, std::less<>> made;
    for (const std::string_view name : list) made.emplace(name);
    return made;
}

// An empty list of names is no condition.
bool has(const std::set<std::string, std::less<>>& names,
         const std::optional<std::string_view>& name) {
    return names.empty() || names.contains(name.value_or(""));
}

bool has_reason(const vim::TaskInfo& info, std::string_view property,
                const std::optional<std::string>& wanted) {
    if (!wanted) return true;
    const Value& reference = info.reason().raw().property(property);
    return reference && reference.moref_id() == *wanted;
}

}  // namespace

std::string user_of(const vim::TaskInfo& info) {
    const auto reason = info.reason().as<vim::TaskReasonUser>();
    return reason ? std::string(reason.userName()) : std::string();
}

bool ResultFilter::keeps(std::string_view description_id) const {
    if (drops_all) return false;
    if (description_ids.empty()) return true;
    return description_ids.contains(description_id) == keeps_listed;
}

TaskFilter::TaskFilter(const vim::TaskFilterSpec& spec, const vim::MoRef& root,
                       ResultFilter results)
    : results_(std::move(results)) {
    if (const auto by = spec.entity()) {
        entity_ = entity_condition(by.entity(), vim::to_string(by.recursion()), root);
    }
    if (const auto by = spec.time()) {
        time_ = by.timeType();
        begin_ = by.beginTime();
        end_ = by.endTime();
    }
    if (const auto by = spec.userName()) {
        user_.emplace();
        user_->system = by.systemUser();
        if (!by.userList().empty()) user_->names = names(by.userList(), "filter.userName.userList");
    }
    for (const auto state : spec.state()) states_.insert(state);
    check_size(spec.eventChainId(), "filter.eventChainId");
    for (const auto chain : spec.eventChainId()) chains_.insert(chain);
    if (spec.alarm()) alarm_ = spec.alarm()->id;
    if (spec.scheduledTask()) scheduled_task_ = spec.scheduledTask()->id;
    activations_ = names(spec.activationId(), "filter.activationId");
    tags_ = names(spec.tag(), "filter.tag");
    parents_ = names(spec.parentTaskKey(), "filter.parentTaskKey");
    roots_ = names(spec.rootTaskKey(), "filter.rootTaskKey");
}

bool TaskFilter::matches_time(const vim::TaskInfo& info) const {
    if (!time_ || (!begin_ && !end_)) return true;
    std::optional<base::WallTime> time = info.queueTime();
    if (*time_ == vim::TaskFilterSpecTimeOption::startedTime) time = info.startTime();
    if (*time_ == vim::TaskFilterSpecTimeOption::completedTime) time = info.completeTime();
    return time && (!begin_ || *time >= *begin_) && (!end_ || *time <= *end_);
}

bool TaskFilter::matches_keys(const vim::TaskInfo& info) const {
    return has(activations_, info.activationId()) && has(tags_, info.changeTag()) &&
           has(parents_, info.parentTaskKey()) && has(roots_, info.rootTaskKey());
}

bool TaskFilter::matches(const HistoryItem& item) const {
    const vim::TaskInfo info(item.value);
    if (entity_ && !entity_->matches(item)) return false;
    if (!matches_time(info)) return false;
    if (user_ && !user_->matches(user_of(info))) return false;
    if (!states_.empty() && !states_.contains(info.state())) return false;
    if (!chains_.empty() && !chains_.contains(info.eventChainId())) return false;
    if (!has_reason(info, "alarm", alarm_)) return false;
    if (!has_reason(info, "scheduledTask", scheduled_task_)) return false;
    return matches_keys(info);
}

void TaskFilter::narrow(store::HistoryQuery& query) const {
    if (entity_) {
        query.object = entity_->id;
        query.relations = entity_->relations;
    }
    if (time_) {
        using enum vim::TaskFilterSpecTimeOption;
        using Time = store::HistoryQuery::Time;
        query.time = *time_ == startedTime     ? Time::started
                     : *time_ == completedTime ? Time::completed
                                               : Time::created;
        query.begin = begin_;
        query.end = end_;
    }
    for (const auto state : states_) query.types.emplace_back(vim::to_string(state));
    for (const auto chain : chains_) query.chains.push_back(chain);
}

Value TaskFilter::shown(const Value& value) const {
    vim::TaskInfo info(value);
    if (results_.keeps(info.descriptionId())) return value;
    info.clear_result();
    return info.raw();
}

}  // namespace drover::service
