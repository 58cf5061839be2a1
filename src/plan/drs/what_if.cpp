#include "plan/drs/what_if.hpp"

#include <utility>

namespace drover::plan {

Snapshot without_host(Snapshot snapshot, HostIndex host) {
    snapshot.hosts[host].usable = false;
    return snapshot;
}

Snapshot after_loss_of(Snapshot snapshot, HostIndex host) {
    snapshot.hosts[host].usable = false;
    for (auto& machine : snapshot.machines) {
        if (machine.host == host) machine.host = kNone;
    }
    return snapshot;
}

Snapshot with_host(Snapshot snapshot, Host host) {
    snapshot.hosts.push_back(std::move(host));
    return snapshot;
}

Snapshot with_rule(Snapshot snapshot, Rule rule) {
    snapshot.rules.push_back(std::move(rule));
    return snapshot;
}

Snapshot with_machine(Snapshot snapshot, Machine machine) {
    machine.host = kNone;
    snapshot.machines.push_back(std::move(machine));
    return snapshot;
}

}  // namespace drover::plan
