#pragma once

// What is asked of a host once and for all: everything it has, and its tasks.

#include <memory>
#include <string>
#include <vector>

#include "center/link/host_session.hpp"

namespace drover::center {

/// Everything from the root folder down, each with all properties, and the managers of the service
/// that say something about the host. Not its sessions, tasks and events.
vim::PropertyFilterSpec picture_spec(const vim::ServiceContent& content, vim::Release release);

/// Task.info of all recent tasks.
vim::PropertyFilterSpec tasks_spec(const vim::ServiceContent& content);

/// One filter on a collector of its own, followed by long polls.
class UpdateStream {
public:
    UpdateStream(std::shared_ptr<HostSession> session, std::chrono::seconds poll)
        : session_(std::move(session)), poll_(poll) {}

    /// Makes the filter and returns all that it selects, however many answers that takes.
    task::Awaitable<vim::PropertyFilterUpdate> begin(vim::PropertyFilterSpec spec,
                                                     std::chrono::milliseconds limit);
    /// What changed since; empty if nothing did for as long as one poll.
    task::Awaitable<std::vector<vim::PropertyFilterUpdate>> next();
    /// Removes filter and collector from the host, if it still hears it. Returns at once.
    void end();

private:
    task::Awaitable<vim::UpdateSet> wait(std::chrono::seconds longest,
                                         std::chrono::milliseconds limit);

    std::shared_ptr<HostSession> session_;
    std::chrono::seconds poll_;
    vim::MoRef collector_;
    std::string version_;
};

}  // namespace drover::center
