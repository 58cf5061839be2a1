#include "host/availability/vm_monitoring.hpp"

#include <fmt/format.h>

#include <utility>

#include "base/check.hpp"
#include "base/log.hpp"
#include "ha/response/storage_loss.hpp"
#include "host/events/event_arguments.hpp"
#include "host/faults.hpp"
#include "service/history/event_log.hpp"
#include "vim/types.hpp"

namespace drover::host {

using task::Awaitable;
using vim::TypeId;

namespace {

constexpr std::chrono::seconds kLook{3};
constexpr std::chrono::seconds kFiguresLimit{30};
constexpr std::chrono::seconds kAskLimit{10};
constexpr std::string_view kGivenUp = "com.vmware.vc.HA.VmDasResetAbortedEvent";

// What only the guest itself brings about: what others send to it says nothing of it.
std::uint64_t input_output_of(const hypervisor::DomainStats& stats) {
    std::uint64_t sum = 0;
    for (const auto& disk : stats.disks) sum += disk.read_requests + disk.write_requests;
    for (const auto& nic : stats.nics) sum += nic.tx_packets;
    return sum;
}

// Events without a class of their own in C++.
vim::Event event_about(const model::ManagedObject& machine, vim::TypeId type,
                       std::initializer_list<std::pair<std::string_view, std::string>> texts) {
    vim::Value made = vim::make_object(type);
    for (const auto& [name, text] : texts) {
        const auto slot = vim::describe(type).find_property(name);
        DROVER_CHECK(slot.has_value());
        made.set_slot(*slot, vim::Value::string(text));
    }
    const auto slot = vim::describe(type).find_property("template");
    if (slot) made.set_slot(*slot, vim::Value::boolean(is_template(machine)));
    vim::Event event(made);
    event.set_vm(vm_argument(machine));
    return event;
}

}  // namespace

VmMonitoring::VmMonitoring(const HostContext& context, Machines& machines, Actions actions)
    : context_(context), machines_(machines), actions_(std::move(actions)) {}

void VmMonitoring::set(std::map<std::string, ha::VmMonitoringSettings> settings) {
    settings_ = std::move(settings);
    std::erase_if(watched_, [this](const auto& each) {
        return !each.second.is_busy && !settings_.contains(each.first);
    });
}

void VmMonitoring::start() {
    context_.runtime.spawn("VM monitoring", follow());
}

ha::Time VmMonitoring::now() const {
    return ha::Time(std::chrono::duration_cast<ha::Duration>(
        context_.runtime.clock().steady_now().time_since_epoch()));
}

Awaitable<void> VmMonitoring::follow() {
    while (true) {
        if (!settings_.empty()) {
            co_await look_at_figures();
            for (const MachinePtr& machine : machines_.all()) look_at(machine);
        }
        co_await context_.runtime.sleep(kLook);
    }
}

Awaitable<void> VmMonitoring::look_at_figures() {
    std::vector<hypervisor::DomainStats> all;
    try {
        all = co_await context_.runtime.blocking(
            "VM monitoring", [&hypervisor = context_.hypervisor] { return hypervisor.stats(); },
            kFiguresLimit);
    } catch (const std::exception& error) {
        // Without figures nobody can say that a guest does nothing.
        for (auto& [uuid, each] : watched_) each.signs.input_output = now();
        co_return;
    }
    for (const auto& stats : all) {
        const auto found = watched_.find(stats.uuid.value());
        if (found == watched_.end()) continue;
        const auto sum = input_output_of(stats);
        if (sum != found->second.input_output) found->second.signs.input_output = now();
        found->second.input_output = sum;
    }
}

void VmMonitoring::look_at(const MachinePtr& machine) {
    const std::string uuid = machine->uuid().value();
    if (!settings_.contains(uuid)) return;
    if (!machine->domain) {
        watched_.erase(uuid);
        return;
    }
    const auto [found, is_new] = watched_.try_emplace(uuid);
    Watched& watched = found->second;
    // A start, a reset, or the first look of this daemon.
    if (is_new || watched.boot_time != machine->boot_time) {
        watched.boot_time = machine->boot_time;
        watched.signs = {.started = now()};
        watched.is_given_up = false;
    }
    if (watched.is_busy) return;
    watched.is_busy = true;
    context_.runtime.spawn("VM monitoring of " + machine->id.value(), ask(machine));
}

// One that does not answer while it is moved, changed or stopped has not failed.
Awaitable<void> VmMonitoring::ask(MachinePtr machine) {
    const std::string uuid = machine->uuid().value();
    bool answers = false;
    try {
        const bool is_there = machine->domain && machine->domain->agent_connected;
        answers = is_there &&
                  co_await context_.runtime.blocking(
                      "guest:" + machine->id.value(),
                      [this, id = machine->uuid()] { return context_.hypervisor.agent_ping(id); },
                      kAskLimit);
    } catch (const std::exception&) {
        answers = false;
    }
    Watched& watched = watched_[uuid];
    const bool stands_still =
        machine->domain && machine->domain->state != hypervisor::DomainState::running;
    const bool had_agent = watched.signs.heartbeat != ha::kNever;
    if (answers || (had_agent && (machine->busy || stands_still))) watched.signs.heartbeat = now();
    if (machine->domain && !machine->busy) co_await judge(machine);
    watched_[uuid].is_busy = false;
}

Awaitable<void> VmMonitoring::judge(MachinePtr machine) {
    const std::string uuid = machine->uuid().value();
    const auto settings = settings_.find(uuid);
    if (settings == settings_.end()) co_return;
    Watched& watched = watched_[uuid];
    switch (watched.monitor.decide(watched.signs, settings->second, now())) {
        case ha::MonitoringStep::none:
            break;
        case ha::MonitoringStep::reset:
            co_await reset(machine, "vmtoolsHeartbeatFailure");
            break;
        case ha::MonitoringStep::given_up:
            if (!std::exchange(watched.is_given_up, true)) give_up(*machine);
            break;
    }
}

void VmMonitoring::storage_is_back(const std::string& uuid, ha::Duration outage) {
    const auto reaction =
        resets_.contains(uuid) ? ha::StorageBackReaction::reset : ha::StorageBackReaction::none;
    if (!ha::resets_when_back(reaction, outage)) return;
    const auto machine = machines_.find_by_uuid(hypervisor::DomainUuid(uuid));
    if (!machine) return;
    context_.runtime.spawn("reset of " + machine->id.value(),
                           reset(machine, "vmcpResetApdCleared"));
}

Awaitable<void> VmMonitoring::reset(MachinePtr machine, std::string reason) {
    base::log_warning("machine {} is reset: {}", machine->id.value(), reason);
    std::string picture;
    try {
        picture = co_await actions_.screenshot(machine);
    } catch (const std::exception& error) {
        base::log_warning("machine {}: no picture of its screen: {}", machine->id.value(),
                          error.what());
    }
    const auto& object = context_.inventory.get(machine->ref);
    context_.events.post(
        picture.empty() ? event_about(object, TypeId::VmDasBeingResetEvent, {{"reason", reason}})
                        : event_about(object, TypeId::VmDasBeingResetWithScreenshotEvent,
                                      {{"reason", reason}, {"screenshotFilePath", picture}}));
    std::exception_ptr failure;
    try {
        co_await actions_.reset(machine->ref);
    } catch (...) {
        failure = std::current_exception();
    }
    if (!failure) co_return;
    base::log_error("machine {} can't be reset: {}", machine->id.value(),
                    fault_of(failure).message());
    context_.events.post(
        event_about(context_.inventory.get(machine->ref), TypeId::VmDasResetFailedEvent, {}));
}

void VmMonitoring::give_up(const Machine& machine) {
    const auto text = fmt::format(
        "{} has been reset as often as it may be, and its guest does not answer: it is left alone.",
        entity_name(context_.inventory, machine.ref));
    context_.events.post(event_about(
        context_.inventory.get(machine.ref), TypeId::EventEx,
        {{"eventTypeId", std::string(kGivenUp)}, {"severity", "error"}, {"message", text}}));
}

}  // namespace drover::host
