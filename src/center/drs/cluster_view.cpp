#include "center/drs/cluster_view.hpp"

#include <algorithm>

#include "center/compatibility/cpu_facts.hpp"
#include "center/migration/destination.hpp"
#include "service/pools/resource_pool.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr double kMebibyte = 1 << 20;
constexpr double kBytesInMegabit = 1e6 / 8;
// Of a machine of which little was measured yet: a part of what it could use.
constexpr std::size_t kEnoughSamples = 2;
constexpr double kUnknownCpuPart = 0.25;
constexpr double kUnknownMemoryPart = 0.5;
// What a host needs for itself is measured; more than this is somebody's passing work.
constexpr double kMostOwnPart = 0.5;

std::span<const Value> elements_of(const Value& list) {
    return list.kind() == vim::ValueKind::array ? list.elements() : std::span<const Value>{};
}

std::vector<std::string> ids_of(const Value& list) {
    std::vector<std::string> ids;
    for (const Value& each : elements_of(list)) ids.emplace_back(each.moref_id());
    return ids;
}

void guess_demand(plan::Machine& machine, double core_mhz) {
    machine.cpu_demand_mhz =
        std::max(machine.cpu_demand_mhz, machine.vcpus * core_mhz * kUnknownCpuPart);
    machine.memory_demand_bytes =
        std::max(machine.memory_demand_bytes, machine.memory_configured_bytes * kUnknownMemoryPart);
}

class Viewer {
public:
    Viewer(const MigrationParts& parts, const ViewKnowledge& knowledge, ClusterView& view)
        : parts_(parts),
          inventory_(parts.context.inventory),
          knowledge_(knowledge),
          view_(view),
          shot_(view.snapshot) {}

    void add_hosts() {
        parts_.hosts.for_each([this](const Host& host) {
            if (host.compute_resource != view_.cluster) return;
            if (!host.link || host.link->state() != LinkState::connected) return;
            add_host(host);
        });
        for (const auto& host : shot_.hosts) all_cpus_known_ &= !host.cpu.features.empty();
        if (shot_.hosts.empty()) all_cpus_known_ = false;
    }

    void add_pools() {
        const MoRef root = parts_.context.tree.root_pool_of(view_.cluster);
        if (root) add_pools_below(root, plan::kNone);
    }

    void add_machines(std::span<const MoRef> placing) {
        is_placing_ = !placing.empty();
        for (std::size_t at = 0; at < view_.hosts.size(); ++at) {
            const auto* host = inventory_.find(view_.hosts[at]);
            if (host == nullptr) continue;
            for (const Value& each : elements_of(host->property(vim::property::HostSystem::vm))) {
                const auto* machine = inventory_.find(each.as_moref());
                if (machine == nullptr ||
                    std::ranges::find(placing, machine->ref()) != placing.end()) {
                    continue;
                }
                add_running(*machine, static_cast<plan::HostIndex>(at));
            }
        }
        add_starting(placing);
        for (const MoRef& ref : placing) {
            if (const auto* machine = inventory_.find(ref)) add_machine(*machine, plan::kNone);
        }
    }

    void forbid_refused() {
        if (knowledge_.refused == nullptr) return;
        for (const auto& [machine_id, host_id] : *knowledge_.refused) {
            const auto machine = view_.machine({TypeId::VirtualMachine, machine_id});
            const auto host = view_.host({TypeId::HostSystem, host_id});
            if (!machine || !host || shot_.machines[*machine].host == *host) continue;
            plan::Rule rule;
            rule.name = "a move that failed lately";
            rule.kind = plan::RuleKind::must_not_run_on;
            rule.machines = {*machine};
            rule.hosts = {*host};
            shot_.rules.push_back(std::move(rule));
        }
    }

private:
    void add_host(const Host& host) {
        const auto* object = inventory_.find(host.ref);
        if (object == nullptr) return;
        namespace property = vim::property::HostSystem;
        const vim::HostListSummary summary(object->property(property::summary));
        const vim::HostRuntimeInfo runtime(object->property(property::runtime));
        if (!summary || !summary.hardware()) return;
        const double mhz =
            double(summary.hardware().cpuMhz()) * double(summary.hardware().numCpuCores());
        const auto bytes = static_cast<double>(summary.hardware().memorySize());
        plan::Host made;
        made.name = host.name;
        double own_mhz = 0;
        double own_bytes = 0;
        if (knowledge_.figures != nullptr) {
            own_mhz = knowledge_.figures->own_cpu_mhz(host.ref.id);
            own_bytes = knowledge_.figures->own_memory_bytes(host.ref.id);
        }
        made.cpu_mhz = mhz - std::min(own_mhz, mhz * kMostOwnPart);
        made.memory_bytes = bytes - std::min(own_bytes, bytes * kMostOwnPart);
        const bool leaves =
            knowledge_.leaving != nullptr && knowledge_.leaving->contains(host.ref.id);
        made.usable = !leaves && (!runtime || !runtime.inMaintenanceMode());
        made.cpu = offered_by(parts_.context, host.ref);
        made.network_bytes_per_s = link_bytes_per_s(host.ref);
        made.networks = ids_of(object->property(property::network));
        made.datastores = ids_of(object->property(property::datastore));
        core_mhz_.push_back(summary.hardware().cpuMhz());
        view_.core_mhz = core_mhz_.front();
        view_.hosts.push_back(host.ref);
        shot_.hosts.push_back(std::move(made));
    }

    // Of the adapters whose link is up; each way by itself.
    double link_bytes_per_s(const MoRef& host) const {
        const Value& config = config_of(parts_.context, host);
        const Value& network = config ? config.property("network") : config;
        if (!network) return 0;
        double sum = 0;
        for (const Value& each : elements_of(network.property("pnic"))) {
            const auto link = vim::PhysicalNic(each).linkSpeed();
            if (link) sum += std::max(0, link.speedMb()) * kBytesInMegabit;
        }
        return sum;
    }

    void add_pools_below(const MoRef& parent, plan::PoolIndex index) {
        const auto* object = inventory_.find(parent);
        if (object == nullptr) return;
        for (const Value& each :
             elements_of(object->property(vim::property::ResourcePool::resourcePool))) {
            const auto* pool = inventory_.find(each.as_moref());
            if (pool == nullptr) continue;
            const vim::ResourceConfigSpec config(
                pool->property(vim::property::ResourcePool::config));
            plan::Pool made;
            made.name = name_of(parts_.context, pool->ref());
            made.parent = index;
            made.cpu = allocation_of(config.cpuAllocation(), 1);
            made.memory = allocation_of(config.memoryAllocation(), kMebibyte);
            const auto at = static_cast<plan::PoolIndex>(shot_.pools.size());
            shot_.pools.push_back(std::move(made));
            view_.pools.push_back(pool->ref());
            pools_[pool->id()] = at;
            add_pools_below(pool->ref(), at);
        }
    }

    // On its way to the host where it is to be started a machine may be with none for a moment.
    void add_starting(std::span<const MoRef> placing) {
        if (knowledge_.starting == nullptr) return;
        for (const auto& [id, host_id] : *knowledge_.starting) {
            const MoRef ref{TypeId::VirtualMachine, id};
            const auto known = [&ref](const auto& list) {
                return std::ranges::find(list, ref) != list.end();
            };
            const auto there = view_.host({TypeId::HostSystem, host_id});
            if (!there || known(placing) || known(view_.machines)) continue;
            if (const auto* machine = inventory_.find(ref)) add_machine(*machine, *there);
        }
    }

    void add_running(const model::ManagedObject& machine, plan::HostIndex host) {
        const vim::VirtualMachineRuntimeInfo runtime(
            machine.property(vim::property::VirtualMachine::runtime));
        if (!runtime) return;
        if (runtime.powerState() == vim::VirtualMachinePowerState::poweredOn) {
            if (runtime.connectionState() == vim::VirtualMachineConnectionState::connected) {
                add_machine(machine, host);
            }
            return;
        }
        if (knowledge_.starting == nullptr) return;
        const auto starts = knowledge_.starting->find(machine.id());
        if (starts == knowledge_.starting->end()) return;
        const auto there = view_.host({TypeId::HostSystem, starts->second});
        if (there) add_machine(machine, *there);
    }

    void add_machine(const model::ManagedObject& object, plan::HostIndex host) {
        namespace property = vim::property::VirtualMachine;
        const vim::VirtualMachineSummary summary(object.property(property::summary));
        if (!summary || !summary.config() || summary.config().template_()) return;
        const vim::VirtualMachineRuntimeInfo runtime(object.property(property::runtime));
        plan::Machine made;
        made.name = name_of(parts_.context, object.ref());
        made.host = host;
        const Value& pool = object.property(property::resourcePool);
        if (pool) {
            const auto known = pools_.find(std::string(pool.moref_id()));
            if (known != pools_.end()) made.pool = known->second;
        }
        made.vcpus = static_cast<std::uint32_t>(std::max(1, summary.config().numCpu().value_or(1)));
        made.memory_configured_bytes = summary.config().memorySizeMB().value_or(0) * kMebibyte;
        made.memory_overhead_bytes = overhead_of(summary, runtime);
        const vim::ResourceConfigSpec config(object.property(property::resourceConfig));
        if (config) {
            made.cpu = allocation_of(config.cpuAllocation(), 1);
            made.memory = allocation_of(config.memoryAllocation(), kMebibyte);
        }
        set_demand(made, object.id(), host);
        made.networks = ids_of(object.property(property::network));
        made.datastores = ids_of(object.property(property::datastore));
        set_cpu(made, object.id(), runtime);
        set_movability(made, object);
        view_.machines.push_back(object.ref());
        shot_.machines.push_back(std::move(made));
    }

    static double overhead_of(const vim::VirtualMachineSummary& summary,
                              const vim::VirtualMachineRuntimeInfo& runtime) {
        const auto stats = summary.quickStats();
        const double measured = stats ? stats.consumedOverheadMemory().value_or(0) * kMebibyte : 0;
        if (measured > 0) return measured;
        return runtime ? static_cast<double>(runtime.memoryOverhead().value_or(0)) : 0;
    }

    void set_demand(plan::Machine& machine, const std::string& id, plan::HostIndex host) const {
        Figures::Demand demand;
        if (knowledge_.figures != nullptr && host != plan::kNone) {
            demand = knowledge_.figures->demand_of(id);
        }
        machine.cpu_demand_mhz = demand.cpu_mhz;
        machine.memory_demand_bytes =
            std::min(demand.memory_bytes, machine.memory_configured_bytes);
        machine.network_bytes_per_s = demand.network_bytes_per_s;
        // Nothing is moved by a guess, but where something is to be started it counts.
        if (!is_placing_ || demand.samples >= kEnoughSamples || core_mhz_.empty()) return;
        const double core_mhz = host == plan::kNone ? core_mhz_.front() : core_mhz_[host];
        guess_demand(machine, core_mhz);
    }

    // What every host offers is no constraint; comparing it with each would be all there is to do.
    void set_cpu(plan::Machine& machine, const std::string& id,
                 const vim::VirtualMachineRuntimeInfo& runtime) const {
        if (!all_cpus_known_ || !runtime || machine.host == plan::kNone) return;
        if (knowledge_.figures == nullptr) return;
        const plan::Cpu& seen =
            knowledge_.figures->seen_cpu(id, runtime.raw().property("featureRequirement"));
        if (seen.features.empty()) return;
        const bool everywhere = std::ranges::all_of(shot_.hosts, [&](const plan::Host& host) {
            return host.cpu.vendor == seen.vendor && host.cpu.features.includes(seen.features);
        });
        if (everywhere) return;
        machine.cpu_vendor = seen.vendor;
        machine.cpu_features = seen.features;
    }

    void set_movability(plan::Machine& machine, const model::ManagedObject& object) const {
        machine.movability = view_.policy.movability_of(object.id());
        if (machine.host == plan::kNone) return;
        const bool starts =
            knowledge_.starting != nullptr && knowledge_.starting->contains(object.id());
        // Somebody does something with it now.
        if (starts || parts_.context.tasks.running_on(object.ref())) {
            machine.movability = plan::Movability::pinned;
        }
        if (knowledge_.figures == nullptr) return;
        machine.moves_last_hour = knowledge_.figures->moves_last_hour(object.id(), knowledge_.now);
        machine.dirty_bytes_per_s = knowledge_.figures->dirty_bytes_per_s(object.id());
    }

    const MigrationParts& parts_;
    const model::Inventory& inventory_;
    const ViewKnowledge& knowledge_;
    ClusterView& view_;
    plan::Snapshot& shot_;
    std::vector<double> core_mhz_;
    std::map<std::string, plan::PoolIndex> pools_;
    bool all_cpus_known_ = true;
    bool is_placing_ = false;
};

template <class Index>
std::optional<Index> index_in(const std::vector<MoRef>& list, const MoRef& ref) {
    const auto at = std::ranges::find(list, ref);
    if (at == list.end()) return std::nullopt;
    return static_cast<Index>(at - list.begin());
}

}  // namespace

std::optional<plan::HostIndex> ClusterView::host(const MoRef& ref) const {
    return index_in<plan::HostIndex>(hosts, ref);
}

std::optional<plan::MachineIndex> ClusterView::machine(const MoRef& ref) const {
    return index_in<plan::MachineIndex>(machines, ref);
}

plan::PoolIndex ClusterView::pool(const MoRef& ref) const {
    return index_in<plan::PoolIndex>(pools, ref).value_or(plan::kNone);
}

ClusterView view_cluster(const MigrationParts& parts, const ViewKnowledge& knowledge,
                         const MoRef& cluster, std::span<const MoRef> placing) {
    ClusterView view;
    view.cluster = cluster;
    const auto* object = parts.context.inventory.find(cluster);
    if (object == nullptr) return view;
    const Value& config = object->property(vim::property::ComputeResource::configurationEx);
    const bool is_cluster = cluster.type == TypeId::ClusterComputeResource;
    if (is_cluster) view.policy = drs_policy(config);
    view.snapshot.memory_overcommit = view.policy.memory_overcommit;
    view.settings.automation = plan::Automation::fully_automated;  // each machine says for itself
    view.settings.threshold = view.policy.threshold;
    if (knowledge.figures != nullptr) view.settings.migration = knowledge.figures->model();
    Viewer viewer(parts, knowledge, view);
    viewer.add_hosts();
    viewer.add_pools();
    viewer.add_machines(placing);
    if (is_cluster) add_rules(view, config);
    viewer.forbid_refused();
    return view;
}

plan::Allocation allocation_of(const vim::ResourceAllocationInfo& info, double unit) {
    const service::Allocation known = service::allocation_of(info);
    plan::Allocation made;
    made.reservation = static_cast<double>(known.reservation) * unit;
    made.limit = known.limit < 0 ? plan::kUnlimited : static_cast<double>(known.limit) * unit;
    made.shares = std::max<double>(1, static_cast<double>(known.shares));
    made.expandable = known.expandable;
    return made;
}

plan::MachineIndex add_newcomer(ClusterView& view, plan::Machine machine) {
    machine.host = plan::kNone;
    guess_demand(machine, view.core_mhz);
    view.machines.emplace_back();
    view.snapshot.machines.push_back(std::move(machine));
    return static_cast<plan::MachineIndex>(view.machines.size() - 1);
}

MoRef compute_resource_of(const MigrationParts& parts, const MoRef& machine) {
    const Host* host = parts.hosts.find(host_of(parts, machine));
    return host == nullptr ? MoRef{} : host->compute_resource;
}

bool is_powered(const MigrationParts& parts, const MoRef& machine,
                vim::VirtualMachinePowerState state) {
    const auto* object = parts.context.inventory.find(machine);
    if (object == nullptr) return false;
    const vim::VirtualMachineRuntimeInfo runtime(
        object->property(vim::property::VirtualMachine::runtime));
    return runtime && runtime.powerState() == state;
}

}  // namespace drover::center
