#include <fmt/format.h>

#include <mutex>

#include "network/bridge/bridge_control.hpp"
#include "rootd/operations.hpp"

namespace drover::rootd {
namespace {

// Looking and changing are two steps in the kernel; one request at a time makes them one.
std::mutex bridge_mutex;

void require_prefix(const Policy& policy, const std::string& name) {
    if (name.size() > policy.bridge_prefix.size() && name.starts_with(policy.bridge_prefix)) return;
    throw Refused(
        fmt::format("bridge name {} does not begin with '{}'", name, policy.bridge_prefix));
}

template <class Function>
void change(Function function) {
    const std::lock_guard lock(bridge_mutex);
    try {
        function();
    } catch (const network::BridgeRefused& refused) {
        throw Refused(refused.what());
    }
}

}  // namespace

void ensure_bridge(const Policy& policy, const EnsureBridge& request) {
    require_prefix(policy, request.name);
    change([&] { network::ensure_bridge(request.name, request.uplink); });
}

void remove_bridge(const Policy& policy, const RemoveBridge& request) {
    require_prefix(policy, request.name);
    change([&] { network::remove_bridge(request.name); });
}

}  // namespace drover::rootd
