#pragma once

#include <set>
#include <string>

#include "service/history/event_filter.hpp"

namespace drover::service {

/// The user of a task; empty for what the system does itself.
std::string user_of(const vim::TaskInfo& info);

/// TaskInfoFilterSpec: of which tasks the results are left out.
struct ResultFilter {
    bool drops_all = false;
    std::set<std::string, std::less<>> description_ids;  ///< empty: no condition
    bool keeps_listed = false;                           ///< else those listed are dropped

    bool keeps(std::string_view description_id) const;
};

/// TaskFilterSpec.
class TaskFilter final : public HistoryFilter {
public:
    /// Throws InvalidArgument. `root` is the inventory's root folder.
    TaskFilter(const vim::TaskFilterSpec& spec, const vim::MoRef& root, ResultFilter results = {});

    bool matches(const HistoryItem& item) const override;
    void narrow(store::HistoryQuery& query) const override;
    vim::Value shown(const vim::Value& value) const override;

private:
    using Names = std::set<std::string, std::less<>>;

    bool matches_time(const vim::TaskInfo& info) const;
    bool matches_keys(const vim::TaskInfo& info) const;

    std::optional<EntityCondition> entity_;
    std::optional<vim::TaskFilterSpecTimeOption> time_;
    std::optional<base::WallTime> begin_;
    std::optional<base::WallTime> end_;
    std::optional<UserCondition> user_;
    std::set<vim::TaskInfoState> states_;
    std::set<std::int32_t> chains_;
    std::optional<std::string> alarm_;
    std::optional<std::string> scheduled_task_;
    Names activations_;
    Names tags_;
    Names parents_;
    Names roots_;
    ResultFilter results_;
};

}  // namespace drover::service
