#include "host/machines/machine.hpp"

#include <fmt/format.h>

#include <memory>

namespace drover::host {

using vim::VirtualMachinePowerState;

VirtualMachinePowerState Machine::power_state() const {
    if (domain) return VirtualMachinePowerState::poweredOn;
    return suspended ? VirtualMachinePowerState::suspended : VirtualMachinePowerState::poweredOff;
}

hypervisor::DomainUuid Machine::uuid() const {
    return hypervisor::DomainUuid(std::string(config.uuid()));
}

std::string Machine::name() const {
    return std::string(config.name());
}

Exclusive::Exclusive(std::shared_ptr<Machine> machine, const vim::MoRef& task)
    : machine_(std::move(machine)) {
    if (machine_->busy) {
        auto fault = vim::TaskInProgress::make();
        // What the host does by itself (after a crash, say) is no task that anybody could look at,
        // but the property must be there, and no reference is empty.
        const vim::MoRef own{vim::TypeId::Task,
                             fmt::format("haTask-{}-settling", machine_->id.value())};
        fault.set_task(machine_->busy->id.empty() ? own : *machine_->busy);
        machine_.reset();
        throw vim::Fault(fault,
                         "The operation is not allowed while another task of this machine is "
                         "in progress.");
    }
    machine_->busy = task;
}

Exclusive::~Exclusive() {
    if (machine_) machine_->busy.reset();
}

void require_power_state(const Machine& machine, VirtualMachinePowerState needed) {
    const VirtualMachinePowerState found = machine.power_state();
    if (found == needed) return;
    auto fault = vim::InvalidPowerState::make();
    fault.set_requestedState(needed);
    fault.set_existingState(found);
    throw vim::Fault(fault,
                     fmt::format("The attempted operation cannot be performed in the current "
                                 "state ({}): it needs {}.",
                                 vim::to_string(found), vim::to_string(needed)));
}

void require_usable(const Machine& machine) {
    if (machine.is_usable()) return;
    throw vim::make_fault<vim::InvalidState>(
        machine.datastore_accessible
            ? fmt::format("The machine's file {} can't be used: {}.", machine.path.to_string(),
                          machine.problem)
            : fmt::format("The datastore of {} is not accessible.", machine.path.to_string()));
}

}  // namespace drover::host
