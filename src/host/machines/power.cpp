#include "host/machines/power.hpp"

#include "base/log.hpp"
#include "host/cpu/seen_cpu.hpp"
#include "host/faults.hpp"
#include "host/machines/domain.hpp"
#include "host/machines/live_devices.hpp"
#include "host/machines/suspended.hpp"
#include "vim/machines_types.hpp"

namespace drover::host {

using task::Awaitable;
using task::Call;
using task::TaskContextPtr;
using vim::Value;
using vim::VirtualMachinePowerState;

namespace {

constexpr std::chrono::seconds kDomainLimit{180};
// A machine's whole memory goes to the datastore.
constexpr std::chrono::minutes kSuspendLimit{30};
constexpr std::string_view kPowerOnPrivilege = "VirtualMachine.Interact.PowerOn";

}  // namespace

Power::Power(const HostContext& context, Machines& machines, Leases& leases, const CpuPolicy& cpu,
             Availability& availability)
    : context_(context),
      machines_(machines),
      leases_(leases),
      cpu_(cpu),
      availability_(availability) {}

void Power::serve() {
    serve_task("PowerOnVM_Task", "VirtualMachine.powerOn", &Power::power_on);
    serve_task("PowerOffVM_Task", "VirtualMachine.powerOff", &Power::power_off);
    serve_task("ResetVM_Task", "VirtualMachine.reset", &Power::reset);
    serve_task("SuspendVM_Task", "VirtualMachine.suspend", &Power::suspend);
    serve_request("ShutdownGuest", [](auto& hypervisor, const auto& uuid) {
        hypervisor.shutdown(uuid, hypervisor::GuestRequest::any);
    });
    serve_request("RebootGuest", [](auto& hypervisor, const auto& uuid) {
        hypervisor.reboot(uuid, hypervisor::GuestRequest::any);
    });
    serve_request("StandbyGuest",
                  [](auto& hypervisor, const auto& uuid) { hypervisor.sleep_guest(uuid); });
    serve_request("SendNMI",
                  [](auto& hypervisor, const auto& uuid) { hypervisor.inject_nmi(uuid); });
    context_.dispatcher.add("TerminateVM", [this](Call call) -> Awaitable<Value> {
        const MachinePtr machine = machines_.get(call.self);
        require_power_state(*machine, VirtualMachinePowerState::poweredOn);
        const Exclusive exclusive(machine, {});
        co_await power_off(machine);
        co_return Value{};
    });
    serve_many();
}

// Powers on each in a task of its own. There is one host, so there is nothing to recommend.
void Power::serve_many() {
    context_.dispatcher.add_direct("PowerOnMultiVM_Task", [this](const Call& call) {
        std::vector<vim::MoRef> list;
        for (const auto& item : call.arguments<vim::PowerOnMultiVM_TaskRequest>().vm()) {
            list.push_back(item);
        }
        task::TaskSpec spec;
        spec.description_id = "Datacenter.powerOnVm";
        spec.entity = call.self;
        spec.method = call.method;
        spec.user = call.caller->user;
        spec.request = call.request;
        return Value::moref(context_.tasks.start(
            spec, [this, list, caller = call.caller](TaskContextPtr) -> Awaitable<Value> {
                co_return power_on_many(list, *caller);
            }));
    });
    context_.tasks.declare("Datacenter.powerOnVm", "PowerOnMultiVM_Task");
}

Value Power::power_on_many(const std::vector<vim::MoRef>& list, const task::Caller& caller) {
    std::vector<vim::ClusterAttemptedVmInfo> attempted;
    std::vector<vim::DataHandle> refused;
    for (const vim::MoRef& reference : list) {
        std::optional<vim::Fault> fault;
        const MachinePtr machine = machines_.find(reference);
        const auto reader = context_.readers(caller);
        if (!machine) {
            fault = vim::object_not_found(reference);
        } else if (!reader->may_read(context_.inventory.get(reference), kPowerOnPrivilege)) {
            fault = vim::no_permission(reference, kPowerOnPrivilege);
        } else if (machine->is_template || machine->domain) {
            fault = vim::make_fault<vim::InvalidState>(
                machine->domain ? "The machine is powered on." : "A template can't be powered on.");
        }
        if (fault) {
            auto info = vim::ClusterNotAttemptedVmInfo::make();
            info.set_vm(reference);
            info.set_fault(fault->localized());
            refused.emplace_back(info.raw());
            continue;
        }
        task::TaskSpec spec;
        spec.description_id = "VirtualMachine.powerOn";
        spec.entity = machine->ref;
        spec.entity_name = machine->name();
        spec.method = vim::find_method("PowerOnVM_Task");
        spec.user = caller.user;
        auto info = vim::ClusterAttemptedVmInfo::make();
        info.set_vm(reference);
        info.set_task(context_.tasks.start(
            std::move(spec), [this, machine](TaskContextPtr task) -> Awaitable<Value> {
                const Exclusive exclusive(machine, task->ref());
                co_await power_on(machine);
                co_return Value{};
            }));
        attempted.push_back(info);
    }
    auto result = vim::ClusterPowerOnVmResult::make();
    result.set_attempted(attempted);
    result.set_notAttempted(refused);
    return result.raw();
}

void Power::serve_task(std::string_view method, std::string description,
                       Awaitable<void> (Power::*operation)(MachinePtr)) {
    context_.tasks.add_method(
        context_.dispatcher, method, std::move(description),
        [this, operation](Call call, TaskContextPtr task) -> Awaitable<Value> {
            const MachinePtr machine = machines_.get(call.self);
            const Exclusive exclusive(machine, task->ref());
            co_await (this->*operation)(machine);
            co_return Value{};
        });
}

void Power::serve_request(
    std::string_view method,
    std::function<void(hypervisor::Hypervisor&, const hypervisor::DomainUuid&)> request) {
    context_.dispatcher.add(method, [this, request](Call call) -> Awaitable<Value> {
        co_await ask_guest(machines_.get(call.self), request);
        co_return Value{};
    });
}

Awaitable<void> Power::ask_guest(
    MachinePtr machine,
    std::function<void(hypervisor::Hypervisor&, const hypervisor::DomainUuid&)> request) {
    require_power_state(*machine, VirtualMachinePowerState::poweredOn);
    co_await context_.runtime.blocking(
        machine->domain_queue(),
        [&hypervisor = context_.hypervisor, uuid = machine->uuid(), request] {
            request(hypervisor, uuid);
        },
        kDomainLimit);
}

Awaitable<void> Power::power_on(MachinePtr machine) {
    if (machine->is_template) {
        throw vim::make_fault<vim::NotSupported>("A template can't be powered on.");
    }
    if (machine->power_state() == VirtualMachinePowerState::poweredOn) {
        require_power_state(*machine, VirtualMachinePowerState::poweredOff);
    }
    // The file may have been changed on the datastore, or the datastore may be back.
    co_await machines_.load(machine);
    require_usable(*machine);
    for (const auto& check : admission_) check();
    for (const auto& check : machine_admission_) check(*machine);
    co_await availability_.settle(machine);
    if (availability_.protects(*machine)) {
        co_await start_guarded(machine, co_await availability_.ask_for(machine));
    } else {
        co_await start_alone(machine);
    }
}

Awaitable<void> Power::start_alone(MachinePtr machine) {
    co_await leases_.acquire(machine);
    std::exception_ptr failure;
    try {
        co_await start_domain(machine, hypervisor::InitialState::running);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        // A resume that got no further than a paused domain: the saved memory is still the truth.
        if (machine->domain) co_await end_domain(machine);
        co_await leases_.release(machine);
        co_await machines_.load(machine);
        machines_.publish(machine);
        std::rethrow_exception(failure);
    }
    co_await started(machine);
}

Awaitable<void> Power::start_guarded(MachinePtr machine, std::uint64_t generation) {
    machine->lease_generation = generation;
    std::exception_ptr failure;
    try {
        co_await machines_.load(machine);
        require_usable(*machine);
        co_await start_domain(machine, hypervisor::InitialState::paused);
        co_await availability_.let_go(machine, generation);
        if (machine->suspended) co_await forget_suspend(context_, machines_, machine);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        if (machine->domain) co_await end_domain(machine);
        availability_.start_failed(*machine, generation);
        co_await machines_.load(machine);
        machines_.publish(machine);
        std::rethrow_exception(failure);
    }
    co_await started(machine);
}

Awaitable<void> Power::started(MachinePtr machine) {
    machine->boot_time = context_.runtime.clock().wall_now();
    machine->guest.reset();
    machine->question = {};
    machine->connected = connected_at_start(machine->config);
    co_await machines_.load(machine);
    machines_.publish(machine);
    if (on_started_) on_started_(machine);
}

Awaitable<void> Power::power_on_alone(vim::MoRef reference) {
    const MachinePtr machine = machines_.get(reference);
    const Exclusive exclusive(machine, {});
    co_await power_on(machine);
}

Awaitable<void> Power::reset_alone(vim::MoRef reference) {
    const MachinePtr machine = machines_.get(reference);
    const Exclusive exclusive(machine, {});
    co_await reset(machine);
}

Awaitable<void> Power::stop_alone(vim::MoRef reference, std::string action) {
    const MachinePtr machine = machines_.get(reference);
    if (action == "guestShutdown") {
        co_await ask_guest(machine, [](auto& engine, const auto& uuid) {
            engine.shutdown(uuid, hypervisor::GuestRequest::any);
        });
        co_return;
    }
    const Exclusive exclusive(machine, {});
    if (action == "suspend") {
        co_await suspend(machine);
    } else {
        co_await power_off(machine);
    }
}

Awaitable<hypervisor::DomainSpec> Power::make_spec(MachinePtr machine, bool is_guarded) {
    DatastoreEntry& entry = context_.datastores.of_path(machine->path);
    // The spec names files of the host, so it is made where the storage may be asked.
    auto spec = co_await context_.datastores.run(
        entry,
        [this, file = machine->file, config = machine->config, path = machine->path,
         generation = machine->lease_generation, cpu = cpu_.choose(*machine)](storage::Datastore&) {
            return make_domain_spec(
                context_, DomainInput{file, config, path, generation, cpu.spec, cpu.seen});
        });
    if (is_guarded) {
        spec.metadata[std::string(kMetadataMonitor)] = availability_.monitor_of(*machine);
    } else if (auto spare = availability_.spare_monitor_of(machine->uuid().value())) {
        spec.metadata[std::string(kMetadataSpareMonitor)] = std::move(*spare);
    }
    co_return spec;
}

Awaitable<void> Power::start_domain(MachinePtr machine, hypervisor::InitialState state) {
    // What starts standing still drover-had lets go; what else it protects by now it takes in
    // later.
    const auto spec = co_await make_spec(machine, state == hypervisor::InitialState::paused);
    if (!machine->suspended) {
        // A memory that no file names must not be there when this run of the machine ends.
        co_await remove_suspend_file(context_, machine->path);
        machine->domain = co_await context_.runtime.blocking(
            machine->domain_queue(),
            [&hypervisor = context_.hypervisor, spec, state] {
                return hypervisor.start(spec, state);
            },
            kDomainLimit);
        co_return;
    }
    DatastoreEntry& entry = context_.datastores.of_path(machine->path);
    const auto image = entry.store->host_path(suspend_file(machine->path));
    machine->domain = co_await context_.runtime.blocking(
        machine->domain_queue(),
        [&hypervisor = context_.hypervisor, spec, image] {
            return hypervisor.restore(image.string(), spec, hypervisor::InitialState::paused);
        },
        kSuspendLimit);
    if (state == hypervisor::InitialState::running) {
        co_await finish_resume(context_, machines_, machine);
    }
}

Awaitable<void> Power::power_off(MachinePtr machine) {
    if (machine->suspended && !machine->domain) {
        // A suspended machine that is turned off loses its memory, as documented. With its lease in
        // hand the next start knows that it has to finish this.
        co_await leases_.acquire(machine);
        co_await forget_suspend(context_, machines_, machine);
        co_await leases_.release(machine);
        machines_.publish(machine);
        co_return;
    }
    require_power_state(*machine, VirtualMachinePowerState::poweredOn);
    if (is_guarded(*machine)) {
        co_await availability_.power_off(machine);
        machine->domain.reset();
    } else {
        co_await end_domain(machine);
    }
    machine->question = {};
    co_await leases_.release(machine);
    machines_.publish(machine);
}

Awaitable<void> Power::end_domain(MachinePtr machine) {
    std::exception_ptr failure;
    try {
        co_await context_.runtime.blocking(
            machine->domain_queue(),
            [&hypervisor = context_.hypervisor, uuid = machine->uuid()] {
                hypervisor.destroy(uuid);
            },
            kDomainLimit);
    } catch (const hypervisor::HypervisorError& error) {
        // It has gone by itself in the meantime: just what was asked for.
        if (error.kind() != hypervisor::ErrorKind::not_found) failure = std::current_exception();
    }
    if (failure) std::rethrow_exception(failure);
    machine->domain.reset();
}

Awaitable<void> Power::reset(MachinePtr machine) {
    require_power_state(*machine, VirtualMachinePowerState::poweredOn);
    co_await context_.runtime.blocking(
        machine->domain_queue(),
        [&hypervisor = context_.hypervisor, uuid = machine->uuid()] { hypervisor.reset(uuid); },
        kDomainLimit);
    machine->guest.reset();
    machine->boot_time = context_.runtime.clock().wall_now();
    machines_.publish_runtime(machine);
    if (on_started_) on_started_(machine);
}

Awaitable<void> Power::suspend(MachinePtr machine) {
    require_power_state(*machine, VirtualMachinePowerState::poweredOn);
    require_usable(*machine);
    DatastoreEntry& entry = context_.datastores.of_path(machine->path);
    const auto image = suspend_file(machine->path);
    const std::string seen = seen_cpu_text(*machine);
    // Our own file, which libvirt fills: one that it made would be root's alone, and a start after
    // a crash could not see whether it is whole.
    co_await context_.datastores.run(
        entry, [image](storage::Datastore& store) { store.blobs().write(image, ""); });
    availability_.expect_end(*machine, true);
    std::exception_ptr failure;
    try {
        co_await context_.runtime.blocking(
            machine->domain_queue(),
            [&hypervisor = context_.hypervisor, uuid = machine->uuid(),
             path = entry.store->host_path(image).string()] { hypervisor.save(uuid, path); },
            kSuspendLimit);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        availability_.expect_end(*machine, false);
        std::rethrow_exception(failure);
    }
    machine->domain.reset();
    vmx::VmxFile file = machine->file;
    file.set(kSuspendKey, image.file_name());
    if (!seen.empty()) file.set(kCpuKey, seen);
    co_await machines_.store_file(machine, std::move(file));
    co_await leases_.release(machine);
    machines_.publish(machine);
}

}  // namespace drover::host
