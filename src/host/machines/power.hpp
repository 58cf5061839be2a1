#pragma once

#include <functional>

#include "host/availability/availability.hpp"
#include "host/cpu/cpu_policy.hpp"
#include "host/machines/leases.hpp"
#include "host/machines/machines.hpp"

namespace drover::host {

/// Turning machines on and off: PowerOnVM_Task, PowerOffVM_Task, ResetVM_Task, SuspendVM_Task and
/// the requests to the guest (ShutdownGuest, RebootGuest, StandbyGuest, SendNMI); TerminateVM and
/// PowerOnMultiVM_Task.
class Power {
public:
    Power(const HostContext& context, Machines& machines, Leases& leases, const CpuPolicy& cpu,
          Availability& availability);

    /// Serves the methods.
    void serve();

    /// Called with a machine that has just been powered on.
    void on_started(std::function<void(const MachinePtr&)> callback) {
        on_started_ = std::move(callback);
    }
    /// Refuses power-on with a fault; for maintenance mode.
    void add_admission(std::function<void()> check) { admission_.push_back(std::move(check)); }

    /// The same for one machine; for reservations.
    void add_machine_admission(std::function<void(const Machine&)> check) {
        machine_admission_.push_back(std::move(check));
    }

    /// Starts a machine, or resumes it if it is suspended. The caller has it to itself.
    task::Awaitable<void> power_on(MachinePtr machine);
    task::Awaitable<void> power_off(MachinePtr machine);
    /// Starts a protected machine, whose lease stands at this generation; likewise.
    task::Awaitable<void> start_guarded(MachinePtr machine, std::uint64_t generation);

    /// The same for the host's own doings (autostart), which have no task: they take the machine
    /// for themselves. `action` is one of AutoStartPowerInfo.stopAction.
    task::Awaitable<void> power_on_alone(vim::MoRef machine);
    task::Awaitable<void> stop_alone(vim::MoRef machine, std::string action);
    task::Awaitable<void> reset_alone(vim::MoRef machine);

private:
    task::Awaitable<hypervisor::DomainSpec> make_spec(MachinePtr machine, bool is_guarded);
    task::Awaitable<void> start_domain(MachinePtr machine, hypervisor::InitialState state);
    task::Awaitable<void> start_alone(MachinePtr machine);
    task::Awaitable<void> started(MachinePtr machine);
    task::Awaitable<void> suspend(MachinePtr machine);
    task::Awaitable<void> reset(MachinePtr machine);
    task::Awaitable<void> end_domain(MachinePtr machine);
    task::Awaitable<void> ask_guest(
        MachinePtr machine,
        std::function<void(hypervisor::Hypervisor&, const hypervisor::DomainUuid&)> request);
    void serve_many();
    vim::Value power_on_many(const std::vector<vim::MoRef>& list, const task::Caller& caller);
    void serve_task(std::string_view method, std::string description,
                    task::Awaitable<void> (Power::*operation)(MachinePtr));
    void serve_request(
        std::string_view method,
        std::function<void(hypervisor::Hypervisor&, const hypervisor::DomainUuid&)> request);

    const HostContext& context_;
    Machines& machines_;
    Leases& leases_;
    const CpuPolicy& cpu_;
    Availability& availability_;
    std::function<void(const MachinePtr&)> on_started_;
    std::vector<std::function<void()>> admission_;
    std::vector<std::function<void(const Machine&)>> machine_admission_;
};

}  // namespace drover::host
