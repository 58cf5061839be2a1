#pragma once

// What happens on hosts, in the center's history: each host's events from the last one that was
// seen, with the center's references, once. What the center records itself is left out: tasks,
// sessions and permissions.

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "center/forwarding/forwarding.hpp"

namespace drover::center {

/// Belongs to the strand.
class HostEventCopies {
public:
    HostEventCopies(CenterContext& context, Hosts& hosts, Mirror& mirror, Forwarding& forwarding);
    ~HostEventCopies();
    HostEventCopies(const HostEventCopies&) = delete;
    HostEventCopies& operator=(const HostEventCopies&) = delete;

    /// Reads how far it had come, and follows the hosts. Before Hosts::start().
    task::Awaitable<void> start();

    /// Says each event before it is recorded, for who knows more about it. Before start().
    void on_copied(std::function<void(vim::Event&)> callback);

private:
    struct Impl;
    std::shared_ptr<Impl> impl_;
};

}  // namespace drover::center
