// PowerOnVM_Task and PowerOnMultiVM_Task of a center.

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "center/compatibility/cpu_facts.hpp"
#include "center/drs/drs.hpp"
#include "vim/machines_types.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using task::TaskContextPtr;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::string_view kDescription = "VirtualMachine.powerOn";

bool is_off(const Drs& drs, const MoRef& machine) {
    return is_powered(drs.parts(), machine, vim::VirtualMachinePowerState::poweredOff);
}

/// Whoever starts a machine keeps its room until it shows that it runs, however that ends.
class Starting {
public:
    Starting(Drs& drs, const MoRef& machine) : drs_(drs), machine_(machine) {}
    ~Starting() {
        drs_.has_started(machine_);
        if (!runs_) drs_.forget_placed(machine_);
    }
    void runs() { runs_ = true; }
    Starting(const Starting&) = delete;
    Starting& operator=(const Starting&) = delete;

private:
    Drs& drs_;
    MoRef machine_;
    bool runs_ = false;
};

// `wanted`: the host that was asked for; unset, and the cluster may choose.
Awaitable<Value> power_on(Drs& drs, MoRef machine, MoRef wanted, bool may_choose, std::string user,
                          TaskContextPtr task) {
    auto& forwarding = drs.parts().forwarding;
    forwarding.home_of(machine);  // or nobody can be asked
    Starting starting(drs, machine);
    if (is_off(drs, machine)) {
        if (wanted && wanted != host_of(drs.parts(), machine)) {
            drs.require_reservations(machine);
            Destination wish;
            wish.host = wanted;
            co_await drs.moves().move(machine, wish, user, task);
        } else if (may_choose && !wanted) {
            co_await drs.place(machine, user, task);
        } else {
            drs.require_reservations(machine);
        }
        co_await drs.before_start(machine);
    }
    const Value result =
        co_await forwarding.run_task(forwarding.home_of(machine), "PowerOnVM_Task",
                                     vim::PowerOnVM_TaskRequest::make().raw(), task);
    starting.runs();
    co_return result;
}

DrsPolicy policy_of(const Drs& drs, const MoRef& resource) {
    const auto* object = drs.parts().context.inventory.find(resource);
    if (object == nullptr || resource.type != TypeId::ClusterComputeResource) return {};
    return drs_policy(object->property(vim::property::ComputeResource::configurationEx));
}

MoRef start_task(Drs& drs, const MoRef& machine, const MoRef& wanted, bool may_choose,
                 const std::string& user) {
    task::TaskSpec spec;
    spec.description_id = kDescription;
    spec.entity = machine;
    spec.entity_name = name_of(drs.parts().context, machine);
    spec.method = vim::find_method("PowerOnVM_Task");
    spec.user = user;
    spec.cancelable = true;
    spec.request = vim::PowerOnVM_TaskRequest::make().raw();
    return drs.parts().context.tasks.start(
        spec, [&drs, machine, wanted, may_choose, user](TaskContextPtr task) {
            return power_on(drs, machine, wanted, may_choose, user, std::move(task));
        });
}

/// What PowerOnMultiVM_Task does with its machines.
class PowerOnMany {
public:
    PowerOnMany(Drs& drs, const Call& call) : drs_(drs), user_(call.caller->user) {
        const auto asked = call.arguments<vim::PowerOnMultiVM_TaskRequest>();
        for (const auto& option : asked.option()) {
            if (option.key() != "OverrideAutomationLevel") continue;
            if (option.value().kind() != vim::ValueKind::string &&
                option.value().kind() != vim::ValueKind::enumeration) {
                throw vim::invalid_argument("option", "OverrideAutomationLevel is no text.");
            }
            const auto level = vim::parse_enum<vim::DrsBehavior>(option.value().as_string());
            if (!level) {
                throw vim::invalid_argument("option",
                                            "OverrideAutomationLevel is no level of automation.");
            }
            override_ = automation_of(*level);
        }
        datacenter_ = call.self;
        for (const MoRef& machine : asked.vm()) add(machine);
    }

    Value run() {
        auto result = vim::ClusterPowerOnVmResult::make();
        std::vector<vim::DataHandle> offers;
        for (const auto& [cluster, machines] : manual_) {
            std::vector<std::pair<MoRef, vim::Fault>> refused;
            const auto made =
                drs_.offer_hosts({TypeId::ClusterComputeResource, cluster}, machines, refused);
            for (const auto& each : made) offers.emplace_back(each.raw());
            for (const auto& [machine, fault] : refused) refuse(machine, fault);
        }
        // The largest first: the small ones find room where the large ones left some.
        std::ranges::sort(automatic_, std::greater{}, [this](const MoRef& machine) {
            const vim::VirtualMachineSummary summary(
                drs_.parts().context.inventory.get(machine).property(
                    vim::property::VirtualMachine::summary));
            const bool known = summary && summary.config();
            return std::pair(known ? summary.config().memorySizeMB().value_or(0) : 0, machine.id);
        });
        std::vector<vim::ClusterAttemptedVmInfo> attempted;
        const auto attempt = [&](const MoRef& machine, bool may_choose) {
            auto info = vim::ClusterAttemptedVmInfo::make();
            info.set_vm(machine);
            info.set_task(start_task(drs_, machine, {}, may_choose, user_));
            attempted.push_back(info);
        };
        for (const MoRef& machine : automatic_) attempt(machine, true);
        for (const MoRef& machine : as_they_are_) attempt(machine, false);
        if (!attempted.empty()) result.set_attempted(attempted);
        if (!not_attempted_.empty()) result.set_notAttempted(not_attempted_);
        if (!offers.empty()) result.set_recommendations(offers);
        return result.raw();
    }

private:
    void refuse(const MoRef& machine, const vim::Fault& fault) {
        auto info = vim::ClusterNotAttemptedVmInfo::make();
        info.set_vm(machine);
        info.set_fault(fault.localized());
        not_attempted_.emplace_back(info.raw());
    }

    void add(const MoRef& machine) {
        try {
            const auto& parts = drs_.parts();
            parts.context.inventory.get(machine);
            if (parts.context.tree.datacenter_of(machine) != datacenter_) {
                throw vim::invalid_argument("vm", "The machine is not of this datacenter.");
            }
            parts.forwarding.home_of(machine);
            if (is_powered(parts, machine, vim::VirtualMachinePowerState::poweredOn)) {
                auto fault = vim::InvalidPowerState::make();
                fault.set_existingState(vim::VirtualMachinePowerState::poweredOn);
                fault.set_requestedState(vim::VirtualMachinePowerState::poweredOn);
                throw vim::Fault(fault, "The machine is on already.");
            }
        } catch (const vim::Fault& fault) {
            return refuse(machine, fault);
        }
        const MoRef resource = compute_resource_of(drs_.parts(), machine);
        const DrsPolicy policy = policy_of(drs_, resource);
        const auto automation = policy.automation_of(machine.id);
        if (!policy.enabled || !automation || !is_off(drs_, machine)) {
            as_they_are_.push_back(machine);
        } else if (override_.value_or(*automation) == plan::Automation::manual) {
            manual_[resource.id].push_back(machine);
        } else {
            automatic_.push_back(machine);
        }
    }

    Drs& drs_;
    std::string user_;
    MoRef datacenter_;
    std::optional<plan::Automation> override_;
    std::map<std::string, std::vector<MoRef>> manual_;  // by cluster
    std::vector<MoRef> automatic_;
    std::vector<MoRef> as_they_are_;
    std::vector<vim::DataHandle> not_attempted_;  // ClusterNotAttemptedVmInfo
};

}  // namespace

Awaitable<void> Drs::before_start(MoRef machine) {
    if (before_start_) co_await before_start_(machine);
}

void Drs::apply_start(const MoRef& cluster, const Offer& offer, const std::string& user) {
    std::erase_if(state_of(cluster).starts,
                  [&](const Offer& other) { return other.machine == offer.machine; });
    start_task(*this, offer.machine, offer.to, false, user);
}

void serve_power_on(Drs& drs) {
    auto& context = drs.parts().context;
    context.methods.add_task(
        TypeId::VirtualMachine, "PowerOnVM_Task", std::string(kDescription),
        [&drs](Call call, TaskContextPtr task) {
            const MoRef wanted =
                call.arguments<vim::PowerOnVM_TaskRequest>().host().value_or(MoRef{});
            const bool may_choose =
                policy_of(drs, compute_resource_of(drs.parts(), call.self)).places(call.self.id);
            return power_on(drs, call.self, wanted, may_choose, call.caller->user, std::move(task));
        },
        true);
    context.methods.add_task(TypeId::Datacenter, "PowerOnMultiVM_Task", "Datacenter.powerOnVm",
                             [&drs](Call call, TaskContextPtr) -> Awaitable<Value> {
                                 co_return PowerOnMany(drs, call).run();
                             });
}

}  // namespace drover::center
