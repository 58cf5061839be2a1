#include <fmt/format.h>

#include "base/log.hpp"
#include "host/host_system/host_system.hpp"
#include "host/references.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using task::Awaitable;
using vim::MoRef;
using vim::Value;

namespace {

constexpr std::chrono::milliseconds kPoll{250};

vim::Fault invalid_state(std::string message) {
    return vim::make_fault<vim::InvalidState>(std::move(message));
}

}  // namespace

void HostSystem::require_accepts_machines() const {
    if (in_maintenance_) throw invalid_state("The host is in maintenance mode.");
    if (entering_) throw invalid_state("The host is entering maintenance mode.");
}

void HostSystem::serve_maintenance() {
    context_.tasks.add_method(
        context_.dispatcher, "EnterMaintenanceMode_Task", "HostSystem.enterMaintenanceMode",
        [this](task::Call call, task::TaskContextPtr context) -> Awaitable<Value> {
            const auto request = call.arguments<vim::EnterMaintenanceMode_TaskRequest>();
            co_await enter_maintenance(request.timeout(), context);
            co_return Value{};
        },
        true);
    context_.tasks.add_method(context_.dispatcher, "ExitMaintenanceMode_Task",
                              "HostSystem.exitMaintenanceMode",
                              [this](task::Call, task::TaskContextPtr) -> Awaitable<Value> {
                                  if (!in_maintenance_)
                                      throw invalid_state("The host is not in maintenance mode.");
                                  co_await set_maintenance(false);
                                  co_return Value{};
                              });
}

// The host doesn't move machines itself: it waits until somebody has powered them off or migrated
// them, for `timeout_s` seconds, or for ever if that is not positive.
Awaitable<void> HostSystem::enter_maintenance(std::int32_t timeout_s,
                                              task::TaskContextPtr context) {
    if (in_maintenance_) throw invalid_state("The host is in maintenance mode already.");
    if (entering_) throw invalid_state("The host is entering maintenance mode already.");
    struct Entering {
        explicit Entering(bool& flag) : flag_(flag) { flag_ = true; }
        ~Entering() { flag_ = false; }
        Entering(const Entering&) = delete;
        Entering& operator=(const Entering&) = delete;
        bool& flag_;
    } entering(entering_);
    const auto& clock = context_.runtime.clock();
    const base::SteadyTime deadline = clock.steady_now() + std::chrono::seconds(timeout_s);
    while (true) {
        context->check_cancelled();
        const auto in_the_way = machines_in_the_way(context->ref());
        if (in_the_way.empty()) break;
        if (timeout_s > 0 && clock.steady_now() >= deadline) {
            throw vim::make_fault<vim::Timedout>(
                fmt::format("{} machines were still running or busy after {} seconds, '{}' among "
                            "them.",
                            in_the_way.size(), timeout_s, in_the_way.front().id));
        }
        context->set_description(
            fmt::format("Waiting for {} machines to be powered off", in_the_way.size()));
        co_await context_.runtime.sleep(kPoll);
    }
    co_await set_maintenance(true);
}

Awaitable<void> HostSystem::set_maintenance(bool value) {
    store::Batch batch;
    if (value) {
        store::Record record;
        record.kind = "host";
        record.id = "maintenance";
        batch.put(std::move(record));
    } else {
        batch.remove("host", "maintenance");
    }
    co_await context_.runtime.blocking(
        "store", [this, batch] { context_.store.commit_and_wait(batch); }, kCallLimit);
    in_maintenance_ = value;
    base::log_info("the host {} maintenance mode", value ? "is in" : "has left");
    show_runtime();
}

// Machines that run, and those that an operation is at work on: it may be about to power one on.
std::vector<MoRef> HostSystem::machines_in_the_way(const MoRef& task) const {
    std::vector<MoRef> found;
    const auto& inventory = context_.inventory;
    const Value& machines = inventory.get(references::host).property(vim::property::HostSystem::vm);
    if (!machines) return found;
    for (const Value& each : machines.elements()) {
        const MoRef ref = each.as_moref();
        const auto* machine = inventory.find(ref);
        if (machine == nullptr) continue;
        const vim::VirtualMachineRuntimeInfo runtime(
            machine->property(vim::property::VirtualMachine::runtime));
        const bool runs =
            runtime && runtime.powerState() == vim::VirtualMachinePowerState::poweredOn;
        const auto busy = context_.tasks.running_on(ref);
        if (runs || (busy && *busy != task)) found.push_back(ref);
    }
    return found;
}

}  // namespace drover::host
