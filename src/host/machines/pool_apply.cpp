#include <algorithm>
#include <cmath>

#include "base/log.hpp"
#include "host/faults.hpp"
#include "host/machines/resource_pools.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using task::Awaitable;

namespace {

constexpr std::chrono::seconds kDomainLimit{60};
// Long enough that a thousand power-ons are a few looks at the whole tree.
constexpr std::chrono::milliseconds kSoon{1000};
// Smaller changes of a divided limit are not worth a call for each machine with each sample.
constexpr double kNoticeable = 0.05;

// The kernel's range; one normal vCPU weighs 1000 with VMware and 100 in a cgroup.
std::uint32_t weight_of(double shares) {
    return static_cast<std::uint32_t>(std::clamp(std::llround(shares / 10), 2LL, 10'000LL));
}

bool differ(const std::optional<double>& left, const std::optional<double>& right) {
    if (left.has_value() != right.has_value()) return true;
    return left && std::abs(*left - *right) > kNoticeable * std::max(*left, *right);
}

bool concerns_pools(const model::Delta& delta) {
    namespace machine = vim::property::VirtualMachine;
    return std::ranges::any_of(delta.changes, [](const model::PropertyChange& change) {
        return change.object->type() == vim::TypeId::VirtualMachine &&
               (change.property == machine::runtime || change.property == machine::resourceConfig ||
                change.property == machine::resourcePool);
    });
}

std::int64_t narrower(std::int64_t one, std::int64_t other) {
    return one < 0 ? other : other < 0 ? one : std::min(one, other);
}

}  // namespace

void ResourcePools::define_option(Options& options) {
    OptionDefinition made;
    made.key = service::kMachinePartsOption;
    made.label = "Parts of the center's pools";
    made.summary =
        "What the resource pools of the center come to for single machines of this host: "
        "reference, shares, CPU limit in MHz, memory limit in MB. The center sets it; empty: "
        "the host's own pools count alone.";
    made.initial = vim::Value::string("");
    made.most = static_cast<std::int32_t>(service::kMostMachinePartsBytes);
    made.apply = [this](const vim::Value& value) {
        auto parts = service::parse_machine_parts(value.as_string());
        if (!parts) {
            base::log_warning("the option {} says no parts: {}", service::kMachinePartsOption,
                              parts.error());
            return;
        }
        if (center_parts_ == *parts) return;
        center_parts_ = *std::move(parts);
        if (std::exchange(apply_pending_, true)) return;
        context_.runtime.spawn("shares and limits of pools", apply_soon());
    };
    options.define(std::move(made));
}

// Machines come to run and end in many ways; all of them are seen here.
void ResourcePools::watch() {
    subscription_ = context_.inventory.observe([this](const model::Delta& delta) {
        if (apply_pending_ || !concerns_pools(delta)) return;
        apply_pending_ = true;
        context_.runtime.spawn("shares and limits of pools", apply_soon());
    });
}

Awaitable<void> ResourcePools::apply_soon() {
    co_await context_.runtime.sleep(kSoon);
    apply_pending_ = false;
    model::Transaction transaction(context_.inventory);
    show_use(transaction);
    transaction.commit();
    co_await apply();
}

Awaitable<void> ResourcePools::apply() {
    const PoolTree cpu = tree(Resource::cpu);
    const auto weights = cpu.weights();
    const auto limits = cpu.limits();
    std::vector<std::pair<MachinePtr, Applied>> work;
    for (const MachinePtr& machine : machines_.all()) {
        if (!machine->domain) {
            applied_.erase(machine->ref.id);
            continue;
        }
        Applied wanted;
        wanted.run = machine->domain->libvirt_id;
        const auto weight = weights.find(machine->ref.id);
        if (weight != weights.end()) wanted.tuning.shares = weight_of(weight->second);
        const auto part = center_parts_.find(machine->ref.id);
        const bool has_part = part != center_parts_.end();
        if (has_part) {
            wanted.tuning.shares = weight_of(static_cast<double>(part->second.cpu_shares));
        }
        const auto own_limit = limits.find(machine->ref.id);
        const std::int64_t limit_mhz = narrower(own_limit == limits.end() ? -1 : own_limit->second,
                                                has_part ? part->second.cpu_limit_mhz : -1);
        const double mhz = context_.host_info.cpu_mhz;
        const auto hardware = machine->config.hardware();
        if (limit_mhz >= 0 && mhz > 0) {
            const double cores = static_cast<double>(limit_mhz) / mhz;
            if (cores < hardware.numCPU()) wanted.tuning.limit_cores = std::max(cores, 0.01);
        }
        const auto memory_mb = std::int64_t{hardware.memoryMB()};
        const auto limit_mb = narrower(allocation_of(machine->config.memoryAllocation()).limit,
                                       has_part ? part->second.memory_limit_mb : -1);
        const bool is_limited = limit_mb >= 0 && limit_mb < memory_mb;
        wanted.balloon_bytes =
            static_cast<std::uint64_t>(is_limited ? std::max<std::int64_t>(limit_mb, 4) : memory_mb)
            << 20;
        work.emplace_back(machine, wanted);
    }
    for (auto& [machine, wanted] : work) co_await apply_to(machine, wanted);
}

Awaitable<void> ResourcePools::apply_to(MachinePtr machine, Applied wanted) {
    const auto known = applied_.find(machine->ref.id);
    const bool is_new = known == applied_.end() || known->second.run != wanted.run;
    const bool tunes = is_new || known->second.tuning.shares != wanted.tuning.shares ||
                       differ(known->second.tuning.limit_cores, wanted.tuning.limit_cores);
    // A machine starts with all of its memory.
    const std::uint64_t balloon_now =
        is_new ? static_cast<std::uint64_t>(machine->config.hardware().memoryMB()) << 20
               : known->second.balloon_bytes;
    const bool balloons = balloon_now != wanted.balloon_bytes;
    if (!tunes && !balloons) co_return;
    applied_[machine->ref.id] = wanted;
    try {
        co_await context_.runtime.blocking(
            machine->domain_queue(),
            [&hypervisor = context_.hypervisor, uuid = machine->uuid(), wanted, tunes, balloons] {
                if (tunes) hypervisor.set_cpu_tuning(uuid, wanted.tuning);
                if (balloons) hypervisor.set_balloon(uuid, wanted.balloon_bytes);
            },
            kDomainLimit);
        refused_.erase(machine->ref.id);
    } catch (...) {
        const std::string reason = fault_of(std::current_exception()).message();
        if (machine->domain && refused_.insert(machine->ref.id).second) {
            base::log_warning("machine {}: its shares and limits can't be set: {}",
                              machine->id.value(), reason);
        }
    }
}

}  // namespace drover::host
