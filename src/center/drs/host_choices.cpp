#include "center/drs/host_choices.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "plan/admission/admission.hpp"
#include "vim/drs_types.hpp"

namespace drover::center {

namespace {

constexpr double kMebibyte = 1 << 20;
// Another host must be better by this part of a host's work for the machine to be taken there:
// about what a machine brings that is to use a fiftieth of a host, where there are two of it
// already.
constexpr double kWorthTaking = 0.001;

double most_free(const ClusterView& view, plan::Resource resource) {
    const plan::Cluster cluster(view.snapshot);
    const plan::State state(cluster);
    double most = 0;
    for (plan::HostIndex at = 0; at < cluster.host_count(); ++at) {
        if (!view.snapshot.hosts[at].usable) continue;
        most =
            std::max(most, resource == plan::Resource::cpu
                               ? cluster.room(at).cpu_reserved_mhz - state.load(at).cpu_reserved_mhz
                               : cluster.room(at).memory_reserved_bytes -
                                     state.load(at).memory_reserved_bytes);
    }
    return most;
}

vim::Fault refusal_fault(const plan::AdmissionRefusal& refusal, const std::string& where) {
    if (refusal.resource == plan::Resource::cpu) {
        auto fault = vim::InsufficientCpuResourcesFault::make();
        fault.set_requested(static_cast<std::int64_t>(refusal.requested));
        fault.set_unreserved(static_cast<std::int64_t>(refusal.unreserved));
        return vim::Fault(fault, fmt::format("{} can reserve {:.0f} MHz more, not {:.0f}.", where,
                                             refusal.unreserved, refusal.requested));
    }
    auto fault = vim::InsufficientMemoryResourcesFault::make();
    fault.set_requested(static_cast<std::int64_t>(refusal.requested));
    fault.set_unreserved(static_cast<std::int64_t>(refusal.unreserved));
    return vim::Fault(fault,
                      fmt::format("{} can reserve {:.0f} MB more, not {:.0f}.", where,
                                  refusal.unreserved / kMebibyte, refusal.requested / kMebibyte));
}

}  // namespace

HostChoices choose_hosts(const ClusterView& view, plan::MachineIndex machine) {
    HostChoices choice;
    const plan::Cluster cluster(view.snapshot);
    const plan::State state(cluster);
    const plan::DemandCost cost(state, view.settings.weights);
    choice.hosts = plan::recommend_hosts(state, cost, machine);
    if (!choice.hosts.empty()) return choice;
    choice.room = plan::plan_power_on(cluster, std::vector{machine}, view.settings.weights);
    std::size_t memory = 0;
    std::size_t cpu = 0;
    const auto refusing = plan::refusing_hosts(state, machine);
    for (const auto& each : refusing) {
        memory += each.refusal == plan::Refusal::memory ||
                  each.refusal == plan::Refusal::memory_reservation;
        cpu += each.refusal == plan::Refusal::cpu_reservation;
        choice.refusals +=
            fmt::format("{}{}: {}", choice.refusals.empty() ? "" : "; ",
                        view.snapshot.hosts[each.host].name, plan::text_of(each.refusal));
    }
    choice.lacks_memory = memory > 0;
    choice.lacks_cpu = cpu > 0;
    return choice;
}

void prefer(HostChoices& choices, std::optional<plan::HostIndex> present) {
    if (!present) return;
    auto& hosts = choices.hosts;
    const auto own = std::ranges::find(hosts, *present, &plan::HostChoice::host);
    if (own == hosts.end() || own->cost - hosts.front().cost > kWorthTaking) return;
    std::rotate(hosts.begin(), own, own + 1);
    hosts.front().rating = 5;
}

vim::Fault no_room(const ClusterView& view, plan::MachineIndex machine, const HostChoices& choice,
                   const std::string& cluster_name) {
    const auto& about = view.snapshot.machines[machine];
    const std::string text =
        fmt::format("No host of the cluster '{}' can run '{}'{}{}.", cluster_name, about.name,
                    choice.refusals.empty() ? "" : ": ", choice.refusals);
    if (choice.lacks_cpu && !choice.lacks_memory) {
        auto fault = vim::InsufficientCpuResourcesFault::make();
        fault.set_requested(static_cast<std::int64_t>(about.cpu.reservation));
        fault.set_unreserved(static_cast<std::int64_t>(most_free(view, plan::Resource::cpu)));
        return vim::Fault(fault, text);
    }
    if (choice.lacks_memory) {
        auto fault = vim::InsufficientMemoryResourcesFault::make();
        fault.set_requested(static_cast<std::int64_t>(
            std::max(about.memory.reservation, about.memory_configured_bytes) +
            about.memory_overhead_bytes));
        fault.set_unreserved(static_cast<std::int64_t>(most_free(view, plan::Resource::memory)));
        return vim::Fault(fault, text);
    }
    auto fault = vim::NoCompatibleHost::make();
    if (!view.hosts.empty()) fault.set_host(view.hosts);
    return vim::Fault(fault, text);
}

void require_admitted(const ClusterView& view, plan::MachineIndex machine,
                      const std::string& cluster_name) {
    const auto& about = view.snapshot.machines[machine];
    const auto refusal = plan::admit(view.snapshot, about.pool, plan::reservation_of(about));
    if (!refusal) return;
    throw refusal_fault(*refusal, refusal->pool == plan::kNone
                                      ? fmt::format("The cluster '{}'", cluster_name)
                                      : fmt::format("The pool '{}'", refusal->where));
}

}  // namespace drover::center
