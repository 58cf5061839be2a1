#pragma once

#include <set>
#include <string>
#include <vector>

#include "service/history/history_item.hpp"
#include "vim/history_types.hpp"

namespace drover::service {

/// Who did it: the conditions on users that events and tasks share.
struct UserCondition {
    bool system = false;
    std::optional<std::set<std::string, std::less<>>> names;  ///< unset: every user

    bool matches(std::string_view user) const;
};

/// Which entity, with the inventory's root standing for everything below it.
std::optional<EntityCondition> entity_condition(const vim::MoRef& entity,
                                                std::string_view recursion, const vim::MoRef& root);

/// EventFilterSpec.
class EventFilter final : public HistoryFilter {
public:
    /// Throws InvalidArgument. `root` is the inventory's root folder.
    EventFilter(const vim::EventFilterSpec& spec, const vim::MoRef& root);

    bool matches(const HistoryItem& item) const override;
    void narrow(store::HistoryQuery& query) const override;
    vim::Value shown(const vim::Value& value) const override;

private:
    bool matches_type(const vim::Event& event) const;
    bool matches_reference(const vim::Event& event) const;

    std::optional<EntityCondition> entity_;
    std::optional<base::WallTime> begin_;
    std::optional<base::WallTime> end_;
    std::optional<UserCondition> user_;
    std::optional<std::int32_t> chain_;
    std::vector<std::string> references_;  ///< alarm, scheduled task: one of the arguments
    bool without_message_ = false;
    std::set<std::string, std::less<>> categories_;
    std::set<std::string, std::less<>> tags_;
    std::vector<vim::TypeId> types_;               ///< with all their subtypes
    std::set<std::string, std::less<>> type_ids_;  ///< as EventEx carries them
    bool has_types_ = false;
};

}  // namespace drover::service
