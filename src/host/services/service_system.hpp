#pragma once

// HostServiceSystem "serviceSystem".

#include <map>
#include <string>
#include <vector>

#include "host/context.hpp"
#include "rootd/client.hpp"
#include "vim/types.hpp"

namespace drover::host {

/// A service of the computer under the API's name.
struct KnownService {
    std::string key;
    std::string label;
    std::vector<std::string> units;  ///< of systemd; the first that is installed is meant
};

const std::vector<KnownService>& known_services();

/// HostServiceInfo of what is installed; `has_helper`: whether the root helper runs.
vim::HostServiceInfo make_services(const std::map<std::string, rootd::ServiceState>& units,
                                   bool has_helper);

/// Belongs to the strand.
class ServiceSystem {
public:
    explicit ServiceSystem(const HostContext& context) : context_(context) {}

    /// Makes the managed object and serves its methods.
    task::Awaitable<void> start();

    /// Asks for the states anew and shows them.
    task::Awaitable<void> refresh();

private:
    task::Awaitable<vim::Value> control(task::Call call, std::string action);
    task::Awaitable<vim::Value> set_policy(task::Call call);
    task::Awaitable<void> ask_helper(std::string unit, std::string action);
    /// The unit and state of a service that may be controlled. NotFound, or HostConfigFault for
    /// one of the host's own.
    std::pair<std::string, rootd::ServiceState> find(std::string_view key) const;

    const HostContext& context_;
    std::map<std::string, rootd::ServiceState> units_;
};

}  // namespace drover::host
