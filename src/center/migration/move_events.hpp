#pragma once

#include <exception>

#include "center/migration/migration_parts.hpp"

namespace drover::center {

/// Tells of a move: that it begins (in the constructor), and how it ended.
class MoveStory {
public:
    MoveStory(const MigrationParts& parts, const vim::MoRef& machine, const vim::MoRef& from,
              const vim::MoRef& to, std::string user, std::string drs_reason = {});
    void moved() const;
    void failed(const std::exception_ptr& reason) const;

private:
    template <class Event>
    Event event() const;

    CenterContext& context_;
    vim::VmEventArgument machine_;
    vim::HostEventArgument from_;
    vim::HostEventArgument to_;
    std::string user_;
    std::string drs_reason_;  // empty: somebody else wanted it
    std::int32_t chain_ = 0;
};

}  // namespace drover::center
