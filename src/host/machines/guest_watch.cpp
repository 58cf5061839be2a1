#include "host/machines/guest_watch.hpp"

#include "host/machines/guest_view.hpp"

namespace drover::host {

using task::Awaitable;

namespace {

constexpr std::chrono::seconds kAskLimit{30};
// A guest without an agent is not asked for ever as often as one that is starting.
constexpr int kQuickTries = 60;

}  // namespace

void GuestWatch::begin(const MachinePtr& machine) {
    if (!machine->domain || !watched_.insert(machine->id).second) return;
    context_.runtime.spawn("guest of " + machine->id.value(), watch(machine));
}

Awaitable<void> GuestWatch::watch(MachinePtr machine) {
    for (int tries = 0; machine->domain; ++tries) {
        const bool known = co_await ask(machine);
        const bool settled = known && !guest_address(*machine).empty();
        if (settled) tries = kQuickTries;
        co_await context_.runtime.sleep(settled || tries >= kQuickTries ? kLater : kWhileStarting);
        // After a restart of the guest everything begins again.
        if (settled && !machine->guest) tries = 0;
    }
    watched_.erase(machine->id);
}

Awaitable<bool> GuestWatch::ask(MachinePtr machine) {
    // The agent's state comes by event; a machine that was found running is asked once in any case.
    if (!machine->domain->agent_connected) co_return false;
    try {
        auto info = co_await context_.runtime.blocking(
            "guest:" + machine->id.value(),
            [this, uuid = machine->uuid()] { return context_.hypervisor.guest_info(uuid); },
            kAskLimit);
        if (!machine->domain) co_return false;
        machine->guest = std::move(info);
    } catch (const hypervisor::HypervisorError&) {
        co_return false;  // no agent, or not now
    } catch (const task::BlockingTimeout&) {
        co_return false;
    }
    machines_.publish_runtime(machine);
    co_return true;
}

}  // namespace drover::host
