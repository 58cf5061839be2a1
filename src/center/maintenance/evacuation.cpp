#include "center/maintenance/evacuation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using vim::MoRef;
using vim::Value;

namespace {

constexpr std::int64_t kMebibyte = 1 << 20;

std::vector<EvacuationStep> machines_of(const MigrationParts& parts, const MoRef& host,
                                        bool powered_off_too) {
    std::vector<EvacuationStep> steps;
    const auto& inventory = parts.context.inventory;
    const Value& all = inventory.get(host).property(vim::property::HostSystem::vm);
    for (const Value& each : all ? all.elements() : std::span<const Value>{}) {
        const auto* machine = inventory.find(each.moref_id());
        if (machine == nullptr) continue;
        const vim::VirtualMachineRuntimeInfo runtime(
            machine->property(vim::property::VirtualMachine::runtime));
        const vim::VirtualMachineSummary summary(
            machine->property(vim::property::VirtualMachine::summary));
        if (!runtime || !summary) continue;
        const bool runs = runtime.powerState() == vim::VirtualMachinePowerState::poweredOn;
        if (!runs && !powered_off_too) continue;
        EvacuationStep step;
        step.machine = machine->ref();
        const Value& name = machine->property(vim::property::ManagedEntity::name);
        step.name = name ? std::string(name.as_string()) : machine->id();
        // One that is off needs no room.
        if (runs) step.memory_bytes = summary.config().memorySizeMB().value_or(0) * kMebibyte;
        steps.push_back(std::move(step));
    }
    std::ranges::sort(steps, [](const auto& left, const auto& right) {
        return left.memory_bytes != right.memory_bytes ? left.memory_bytes > right.memory_bytes
                                                       : left.machine.id < right.machine.id;
    });
    return steps;
}

std::int64_t free_memory_bytes(const MigrationParts& parts, const Host& host) {
    const vim::HostListSummary summary(
        parts.context.inventory.get(host.ref).property(vim::property::HostSystem::summary));
    if (!summary || !summary.hardware()) return 0;
    const auto quick = summary.quickStats();
    const std::int64_t used_mb = quick ? quick.overallMemoryUsage().value_or(0) : 0;
    return summary.hardware().memorySize() - used_mb * kMebibyte;
}

vim::LocalizedMethodFault obstacle(std::string text) {
    return vim::make_fault<vim::InvalidState>(std::move(text)).localized();
}

// Room on each host after the moves that are planned already.
using Room = std::map<std::string, std::int64_t>;

Awaitable<EvacuationStep> place(MigrationParts parts, EvacuationStep step, std::vector<MoRef> hosts,
                                std::shared_ptr<Room> room) {
    for (const MoRef& ref : hosts) {
        const Host* host = parts.hosts.find(ref);
        if (host == nullptr) continue;
        if ((*room)[ref.id] < step.memory_bytes) {
            step.obstacles.push_back(obstacle(fmt::format(
                "The host '{}' has {} MB of free memory left; '{}' needs {} MB.", host->name,
                (*room)[ref.id] / kMebibyte, step.name, step.memory_bytes / kMebibyte)));
            continue;
        }
        Destination to;
        to.host = ref;
        const Findings findings = co_await check_move(parts, step.machine, to);
        if (findings.errors.empty()) {
            (*room)[ref.id] -= step.memory_bytes;
            step.to = ref;
            step.obstacles.clear();
            co_return step;
        }
        step.obstacles.insert(step.obstacles.end(), findings.errors.begin(), findings.errors.end());
    }
    if (step.obstacles.empty()) {
        step.obstacles.push_back(obstacle(fmt::format(
            "No other connected host of the cluster reaches the datastores of '{}'.", step.name)));
    }
    co_return step;
}

}  // namespace

Awaitable<std::vector<EvacuationStep>> plan_evacuation(MigrationParts parts, MoRef host,
                                                       std::vector<MoRef> leaving,
                                                       bool powered_off_too) {
    const Host* from = parts.hosts.find(host);
    if (from == nullptr) throw vim::object_not_found(host);
    const MoRef resource = from->compute_resource;
    const auto room = std::make_shared<Room>();
    parts.hosts.for_each([&](const Host& each) {
        if (each.compute_resource == resource) {
            (*room)[each.ref.id] = free_memory_bytes(parts, each);
        }
    });
    std::vector<EvacuationStep> plan;
    for (EvacuationStep& step : machines_of(parts, host, powered_off_too)) {
        auto fitting = candidates(parts, step.machine, resource, host);
        std::ranges::sort(fitting, [&](const Host* left, const Host* right) {
            const auto left_room = (*room)[left->ref.id];
            const auto right_room = (*room)[right->ref.id];
            return left_room != right_room ? left_room > right_room : left->ref.id < right->ref.id;
        });
        std::vector<MoRef> hosts;
        for (const Host* each : fitting) {
            if (std::ranges::find(leaving, each->ref) == leaving.end()) hosts.push_back(each->ref);
        }
        plan.push_back(co_await place(parts, std::move(step), std::move(hosts), room));
    }
    co_return plan;
}

}  // namespace drover::center
