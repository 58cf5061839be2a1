#pragma once

// HostDateTimeSystem "dateTimeSystem".

#include <string>
#include <vector>

#include "host/context.hpp"
#include "host/time/time_zones.hpp"
#include "vim/management_types.hpp"

namespace drover::host {

/// Belongs to the strand.
class DateTimeSystem {
public:
    explicit DateTimeSystem(const HostContext& context) : context_(context) {}

    /// Reads zone and servers, makes the managed object and serves its methods.
    task::Awaitable<void> start();

private:
    task::Awaitable<void> refresh();
    task::Awaitable<vim::Value> update_config(task::Call call);
    task::Awaitable<vim::Value> update_clock(task::Call call);
    task::Awaitable<vim::Value> list_zones();
    /// Work for the root helper; HostConfigFault with its reason if it does not do it.
    task::Awaitable<void> ask_helper(std::function<void(rootd::Client&)> work);
    task::Awaitable<void> set_servers(std::vector<std::string> servers);
    std::int64_t now_s() const;

    const HostContext& context_;
    TimeZone zone_;
    std::vector<std::string> servers_;
};

/// InvalidArgument unless these are names or addresses of time servers, ten at most.
void check_time_servers(const std::vector<std::string>& servers, std::string_view path);

}  // namespace drover::host
