#include "center/drs/drs.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "center/compatibility/cpu_facts.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::chrono::seconds kTick{1};
constexpr std::chrono::milliseconds kShort{100};
constexpr std::chrono::seconds kSampleEvery{5};
// Changes that come together are looked at together.
constexpr std::chrono::seconds kSoon{3};
constexpr std::chrono::minutes kThinkLimit{5};
// Where to start a machine is not offered for ever: the cluster changes.
constexpr std::chrono::minutes kOfferAge{30};

std::string_view connection_of(const Value& runtime) {
    return runtime ? runtime.property("connectionState").as_string() : std::string_view();
}

// Whether a host takes machines is seen here; what else its runtime tells changes all the time.
bool is_of_interest(const model::PropertyChange& change) {
    if (!change.old_value || !change.new_value) return true;
    return connection_of(change.old_value) != connection_of(change.new_value) ||
           change.old_value.property("inMaintenanceMode") !=
               change.new_value.property("inMaintenanceMode");
}

}  // namespace

Drs::Drs(Moves& moves)
    : moves_(moves), history_(moves.parts().context), returns_(moves.parts().context) {}

Awaitable<void> Drs::start() {
    co_await history_.load();
    co_await returns_.load();
    auto& context = parts().context;
    subscription_ =
        context.inventory.observe([this](const model::Delta& delta) { observe(delta); });
    moves_.on_moved([this](const MoRef& machine, const vim::DroverMigrationResult& result) {
        if (result.memoryBytes() <= 0) return;  // it did not run
        MigrationRecord record;
        record.seconds = static_cast<double>(result.totalMs()) / 1000;
        record.bytes = static_cast<double>(result.transferredBytes());
        record.memory_bytes = static_cast<double>(result.memoryBytes());
        record.downtime_s = static_cast<double>(result.downtimeMs().value_or(0)) / 1000;
        figures_.moved(machine.id, record, parts().context.runtime.clock().steady_now());
    });
    serve_drs(*this);
    serve_power_on(*this);
    context.runtime.spawn("DRS", follow_for_ever());
    context.runtime.spawn("pools", enforce_pools_for_ever());
}

Awaitable<void> Drs::follow_for_ever() {
    while (true) {
        try {
            const auto now = parts().context.runtime.clock().steady_now();
            if (now - sampled_ >= kSampleEvery) {
                sampled_ = now;
                sample();
            }
            visit_returns();
            visit_clusters();
        } catch (const std::exception& error) {
            base::log_warning("DRS: {}", error.what());
        }
        co_await parts().context.runtime.sleep(kTick);
    }
}

// The figures of everything that runs in a cluster with DRS.
void Drs::sample() {
    const auto& inventory = parts().context.inventory;
    const auto now = parts().context.runtime.clock().steady_now();
    parts().hosts.for_each([&](const Host& host) {
        if (!host.link || host.link->state() != LinkState::connected) return;
        if (!is_enabled(host.compute_resource)) return;
        const auto* object = inventory.find(host.ref);
        if (object == nullptr) return;
        const vim::HostListSummary summary(object->property(vim::property::HostSystem::summary));
        if (!summary || !summary.hardware()) return;
        double used_mhz = 0;
        double used_mb = 0;
        const Value& machines = object->property(vim::property::HostSystem::vm);
        for (const Value& each : machines ? machines.elements() : std::span<const Value>{}) {
            const auto* machine = inventory.find(each.as_moref());
            if (machine == nullptr) continue;
            const vim::VirtualMachineSummary about(
                machine->property(vim::property::VirtualMachine::summary));
            if (!about || !about.runtime() ||
                about.runtime().powerState() != vim::VirtualMachinePowerState::poweredOn) {
                continue;
            }
            figures_.sample(machine->id(), about, summary.hardware().cpuMhz(), now);
            if (!about.quickStats()) continue;
            used_mhz += about.quickStats().overallCpuUsage().value_or(0);
            used_mb += about.quickStats().hostMemoryUsage().value_or(0);
        }
        const auto quick = summary.quickStats();
        if (!quick || !quick.overallMemoryUsage()) return;
        figures_.sample_host(host.ref.id, quick.overallCpuUsage().value_or(0) - used_mhz,
                             (quick.overallMemoryUsage().value_or(0) - used_mb) * (1 << 20));
    });
    figures_.expire(now);
}

void Drs::observe(const model::Delta& delta) {
    for (const auto& object : delta.destroyed) {
        if (object->type() == TypeId::HostSystem) {
            told_parts_.erase(object->id());
            const Value& parent = object->property(vim::property::HostSystem::parent);
            if (parent) note_change(parent.as_moref());
        }
        if (object->type() == TypeId::ClusterComputeResource) clusters_.erase(object->id());
        starting_.erase(object->id());
        placed_.erase(object->id());
    }
    for (const auto& change : delta.changes) {
        const TypeId type = change.object->type();
        if (type == TypeId::HostSystem) {
            namespace host = vim::property::HostSystem;
            const bool moves = change.property == host::parent;
            if (!moves && !(change.property == host::runtime && is_of_interest(change))) continue;
            for (const Value& at : {change.old_value, change.object->property(host::parent)}) {
                if (at.kind() == vim::ValueKind::moref) note_change(at.as_moref());
            }
        } else if (type == TypeId::ClusterComputeResource &&
                   change.property == vim::property::ComputeResource::configurationEx) {
            note_change(change.object->ref());
        }
    }
}

void Drs::note_change(const MoRef& cluster) {
    if (cluster.type != TypeId::ClusterComputeResource) return;
    ClusterState& state = state_of(cluster);
    const auto soon = parts().context.runtime.clock().steady_now() + kSoon;
    if (!state.is_due || state.next > soon) state.next = soon;
    state.is_due = true;
}

void Drs::visit_clusters() {
    const auto& inventory = parts().context.inventory;
    const auto now = parts().context.runtime.clock().steady_now();
    std::erase_if(refused_until_, [&](const auto& item) {
        if (item.second > now) return false;
        refused_.erase(item.first);
        return true;
    });
    std::set<std::string> seen;
    parts().hosts.for_each([&](const Host& host) {
        if (host.compute_resource.type == TypeId::ClusterComputeResource) {
            seen.insert(host.compute_resource.id);
        }
    });
    for (const auto& [id, state] : clusters_) seen.insert(id);
    for (const std::string& id : seen) {
        const MoRef cluster{TypeId::ClusterComputeResource, id};
        if (inventory.find(cluster) == nullptr) {
            clusters_.erase(id);
            continue;
        }
        ClusterState& state = state_of(cluster);
        std::erase_if(state.starts,
                      [&](const Offer& offer) { return now - offer.made > kOfferAge; });
        const bool enabled = is_enabled(cluster);
        if (!enabled && !state.was_enabled) continue;
        if (!enabled) {
            state.was_enabled = false;
            forget_offers(cluster, state);
            continue;
        }
        if (!std::exchange(state.was_enabled, true)) publish_history(cluster);
        if (state.is_thinking || state.running > 0 || now < state.next) continue;
        parts().context.runtime.spawn("DRS", balance(cluster));
    }
    for (const std::string& id : history_.clusters()) {
        const MoRef cluster{TypeId::ClusterComputeResource, id};
        if (inventory.find(cluster) == nullptr) {
            parts().context.runtime.spawn("DRS", history_.forget(cluster));
        }
    }
}

ViewKnowledge Drs::knowledge() {
    return {&figures_, &starting_, &refused_, &leaving_,
            parts().context.runtime.clock().steady_now()};
}

ClusterView Drs::look(const MoRef& cluster, std::span<const MoRef> placing) {
    return view_cluster(parts(), knowledge(), cluster, placing);
}

bool Drs::is_enabled(const MoRef& cluster) const {
    if (cluster.type != TypeId::ClusterComputeResource) return false;
    const auto* object = parts().context.inventory.find(cluster);
    if (object == nullptr) return false;
    const Value& config = object->property(vim::property::ComputeResource::configurationEx);
    if (!config) return false;
    const auto drs = vim::ClusterConfigInfoEx(config).drsConfig();
    return drs && drs.enabled().value_or(false);
}

Awaitable<void> Drs::refresh(MoRef cluster) {
    if (!is_enabled(cluster)) {
        throw vim::make_fault<vim::NotSupported>("DRS is not enabled in the cluster.");
    }
    while (state_of(cluster).is_thinking) co_await parts().context.runtime.sleep(kTick);
    sample();
    co_await balance(cluster);
}

Awaitable<void> Drs::balance(MoRef cluster) {
    {
        ClusterState& state = state_of(cluster);
        state.is_thinking = true;
        state.is_due = false;
        state.next = parts().context.runtime.clock().steady_now() + kInterval;
    }
    std::shared_ptr<const ClusterView> view;
    std::shared_ptr<const Thought> thought;
    std::string problem;
    try {
        view = std::make_shared<const ClusterView>(look(cluster));
        thought = co_await parts().context.runtime.blocking(
            "drs:" + cluster.id, [view] { return std::make_shared<const Thought>(think(*view)); },
            kThinkLimit);
    } catch (const std::exception& error) {
        problem = error.what();
    }
    if (parts().context.inventory.find(cluster) == nullptr) co_return;
    state_of(cluster).is_thinking = false;
    if (!is_enabled(cluster)) co_return;
    if (!thought) {
        base::log_warning("DRS in {}: {}", name_of(parts().context, cluster), problem);
        auto event = vim::DrsInvocationFailedEvent::make();
        auto argument = vim::ComputeResourceEventArgument::make();
        argument.set_computeResource(cluster);
        argument.set_name(name_of(parts().context, cluster));
        event.set_computeResource(argument);
        parts().context.events.post(event, "");
        co_return;
    }
    ClusterState& state = state_of(cluster);
    publish(state, view, *thought);
    if (on_thought_) on_thought_(*view, *thought);
    const auto& decision = thought->decision;
    std::vector<bool> automatic(decision.migrations.steps.size());
    std::map<plan::MachineIndex, std::string> reasons;
    for (const auto& each : decision.recommendations) reasons[each.machine] = each.explanation;
    for (std::size_t at = 0; at < automatic.size(); ++at) {
        const auto machine = decision.migrations.steps[at].machine;
        automatic[at] = view->snapshot.machines[machine].movability == plan::Movability::automatic;
    }
    auto plan = subset(decision.migrations, automatic);
    if (plan.steps.empty() || state.running > 0) co_return;
    ++state.running;
    parts().context.runtime.spawn("DRS", run_automatic(view, std::move(plan), std::move(reasons)));
}

Awaitable<void> Drs::run_automatic(std::shared_ptr<const ClusterView> view,
                                   plan::MigrationPlan plan,
                                   std::map<plan::MachineIndex, std::string> reasons) {
    std::exception_ptr failure;
    try {
        co_await carry_out(view, std::move(plan), std::move(reasons), "");
    } catch (...) {
        failure = std::current_exception();
    }
    const auto known = clusters_.find(view->cluster.id);
    if (known != clusters_.end()) --known->second.running;
    if (failure) std::rethrow_exception(failure);
}

void Drs::forget_offers(const MoRef& cluster, ClusterState& state) {
    state.offers.clear();
    state.starts.clear();
    state.view.reset();
    state.plan.reset();
    state.broken.clear();
    publish_offers(cluster, state);
}

Awaitable<void> Drs::settled(MoRef cluster) {
    for (auto state = clusters_.find(cluster.id);
         state != clusters_.end() && state->second.running > 0;
         state = clusters_.find(cluster.id)) {
        co_await parts().context.runtime.sleep(kShort);
    }
}

void Drs::set_leaving(const MoRef& host, bool leaves) {
    int& count = leaving_count_[host.id];
    count += leaves ? 1 : -1;
    if (count > 0) {
        leaving_.insert(host.id);
    } else {
        leaving_.erase(host.id);
        leaving_count_.erase(host.id);
    }
}

void Drs::apply(const MoRef& cluster, std::string_view key, const std::string& user) {
    ClusterState& state = state_of(cluster);
    const auto start = std::ranges::find(state.starts, key, &Offer::key);
    if (start != state.starts.end()) return apply_start(cluster, Offer(*start), user);
    const auto offer = std::ranges::find(state.offers, key, &Offer::key);
    if (offer == state.offers.end()) {
        throw vim::invalid_argument("key", fmt::format("There is no recommendation '{}'.", key));
    }
    // With all that has to come before, and all that goes together with it.
    std::vector<bool> wanted(state.plan->steps.size());
    for (const auto step : offer->steps) wanted[step] = true;
    for (bool changed = true; changed;) {
        changed = false;
        for (std::size_t at = 0; at < wanted.size(); ++at) {
            const auto& step = state.plan->steps[at];
            const auto want = [&](std::size_t other) {
                changed |= !wanted[other];
                wanted[other] = true;
            };
            if (!wanted[at]) continue;
            for (const auto before : step.after) want(before);
            for (std::size_t other = 0; other < wanted.size(); ++other) {
                const auto& mate = state.plan->steps[other];
                const bool together = step.bundle != plan::kNone && mate.bundle == step.bundle;
                if (together || mate.machine == step.machine) want(other);
            }
        }
    }
    std::map<plan::MachineIndex, std::string> reasons;
    for (const Offer& each : state.offers) {
        for (const auto step : each.steps) {
            reasons[state.plan->steps[step].machine] = each.shown.reasonText();
        }
    }
    ++state.running;
    parts().context.runtime.spawn(
        "DRS",
        [](Drs& drs, std::shared_ptr<const ClusterView> view, plan::MigrationPlan plan,
           std::map<plan::MachineIndex, std::string> why, std::string who) -> Awaitable<void> {
            const MoRef cluster_ref = view->cluster;
            co_await drs.carry_out(view, std::move(plan), std::move(why), std::move(who));
            const auto known = drs.clusters_.find(cluster_ref.id);
            if (known == drs.clusters_.end()) co_return;
            --known->second.running;
            drs.note_change(cluster_ref);
        }(*this, state.view, subset(*state.plan, wanted), std::move(reasons), user));
    std::erase_if(state.offers, [&](const Offer& each) {
        return std::ranges::any_of(each.steps, [&](auto step) { return wanted[step]; });
    });
    publish_offers(cluster, state);
}

void Drs::cancel(const MoRef& cluster, std::string_view key) {
    ClusterState& state = state_of(cluster);
    const auto gone =
        std::erase_if(state.starts, [&](const auto& each) { return each.key == key; }) +
        std::erase_if(state.offers, [&](const auto& each) { return each.key == key; });
    if (gone == 0) {
        throw vim::invalid_argument("key", fmt::format("There is no recommendation '{}'.", key));
    }
    publish_offers(cluster, state);
}

}  // namespace drover::center
