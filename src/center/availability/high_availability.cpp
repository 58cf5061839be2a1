#include "center/availability/high_availability.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "center/drs/policy.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using nlohmann::json;
using task::Awaitable;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::string_view kKind = "cluster.ha";
constexpr std::chrono::milliseconds kTick{250};
// Changes that come together are told together.
constexpr std::chrono::milliseconds kSoon{300};
// Whatever was missed.
constexpr std::chrono::seconds kAgain{30};
constexpr std::chrono::seconds kStoreLimit{60};

Value part_of(const Value& value, std::string_view name) {
    return value.kind() == vim::ValueKind::object ? value.property(name) : Value{};
}

// Figures change all the time; what is told to hosts follows from few of them.
bool concerns_machine(const model::PropertyChange& change) {
    namespace machine = vim::property::VirtualMachine;
    if (change.property == machine::summary) {
        return part_of(change.old_value, "config") != part_of(change.new_value, "config");
    }
    return change.property == machine::datastore;
}

bool concerns_host(const model::PropertyChange& change) {
    namespace host = vim::property::HostSystem;
    if (change.property == host::summary) {
        return part_of(change.old_value, "hardware") != part_of(change.new_value, "hardware");
    }
    if (change.property == host::config) {
        return part_of(change.old_value, "certificate") != part_of(change.new_value, "certificate");
    }
    return change.property == host::parent || change.property == host::datastore ||
           change.property == host::vm || change.property == host::name;
}

}  // namespace

HighAvailability::HighAvailability(Drs& drs) : drs_(drs) {}

const Value& HighAvailability::config_of_cluster(const MoRef& cluster) const {
    static const Value none{};
    const auto* object = parts().context.inventory.find(cluster);
    return object == nullptr ? none
                             : object->property(vim::property::ComputeResource::configurationEx);
}

Awaitable<void> HighAvailability::start() {
    co_await load();
    subscription_ =
        parts().context.inventory.observe([this](const model::Delta& delta) { observe(delta); });
    serve();
    drs_.on_start([this](MoRef machine) { return before_start(std::move(machine)); });
    parts().context.runtime.spawn("high availability", follow());
}

Awaitable<void> HighAvailability::load() {
    const auto records = co_await parts().context.runtime.blocking(
        "store", [this] { return parts().context.store.load(kKind); }, kStoreLimit);
    for (const store::Record& record : records) {
        const json value = json::parse(record.value, nullptr, false);
        if (!value.is_object()) {
            base::log_warning("what the cluster {} was told can't be read", record.id);
            continue;
        }
        ClusterState& state = clusters_[record.id];
        state.version = value.value("version", std::uint64_t{0});
        state.catalogue = value.value("catalogue", std::string());
        state.datastore = value.value("datastore", std::string());
        state.datastore_uuid = value.value("datastore_uuid", std::string());
        using Texts = std::map<std::string, std::string>;
        state.etcd = {value.value("etcd_members", Texts()), value.value("certificates", Texts())};
        state.token = value.value("token", std::string());
    }
}

Awaitable<void> HighAvailability::store(std::string cluster) {
    const ClusterState& state = clusters_[cluster];
    store::Record record;
    record.kind = kKind;
    record.id = cluster;
    record.value = json{
        {"version", state.version},
        {"catalogue", state.catalogue},
        {"datastore", state.datastore},
        {"datastore_uuid", state.datastore_uuid},
        {"etcd_members", state.etcd.members},
        {"certificates", state.etcd.certificates},
        {"token",
         state.token}}.dump();
    store::Batch batch;
    batch.put(std::move(record));
    co_await commit(parts().context, std::move(batch));
}

Awaitable<void> HighAvailability::follow() {
    while (true) {
        std::string problem;
        try {
            co_await visit_clusters();
            tell_hosts();
            watch_agents();
            look_for_stale_copies();
            show_levels();
        } catch (const std::exception& error) {
            problem = error.what();
        }
        if (!problem.empty()) base::log_warning("high availability: {}", problem);
        co_await parts().context.runtime.sleep(kTick);
    }
}

void HighAvailability::mark_due() {
    for (auto& [id, state] : clusters_) {
        if (state.is_due) continue;
        state.is_due = true;
        state.next = now() + kSoon;
    }
}

void HighAvailability::observe(const model::Delta& delta) {
    bool concerns = !delta.destroyed.empty() || !delta.created.empty();
    for (const auto& change : delta.changes) {
        const TypeId type = change.object->type();
        if (type == TypeId::VirtualMachine) {
            concerns = concerns || concerns_machine(change);
            if (change.property == vim::property::VirtualMachine::runtime) {
                note_move(*change.object, change.old_value);
            }
        } else if (type == TypeId::HostSystem) {
            concerns = concerns || concerns_host(change);
        } else if (type == TypeId::ClusterComputeResource) {
            concerns =
                concerns || change.property == vim::property::ComputeResource::configurationEx;
        } else if (type == TypeId::Datastore) {
            concerns = concerns || change.property == vim::property::Datastore::name ||
                       change.property == vim::property::Datastore::host;
        }
    }
    if (concerns) mark_due();
}

Awaitable<void> HighAvailability::visit_clusters() {
    std::set<std::string> ids;
    parts().hosts.for_each([&](const Host& host) {
        if (host.compute_resource.type == TypeId::ClusterComputeResource) {
            ids.insert(host.compute_resource.id);
        }
    });
    for (const auto& [id, state] : clusters_) ids.insert(id);
    for (const std::string& id : ids) {
        const MoRef cluster{TypeId::ClusterComputeResource, id};
        if (parts().context.inventory.find(cluster) == nullptr) {
            clusters_.erase(id);
            store::Batch batch;
            batch.remove(std::string(kKind), id);
            co_await commit(parts().context, std::move(batch));
            continue;
        }
        ClusterState& state = clusters_[id];
        if (now() < state.next || (!state.is_due && now() < state.next + kAgain)) continue;
        state.is_due = false;
        state.next = now();
        co_await visit(cluster);
    }
}

Awaitable<void> HighAvailability::visit(MoRef cluster) {
    const DasSettings settings = das_settings(config_of_cluster(cluster));
    if (!settings.enabled) {
        ClusterState& state = clusters_[cluster.id];
        state.is_enabled = false;
        state.text.clear();
        state.told_unprotected.clear();
        state.told_problem.clear();
        if (state.catalogue.empty()) co_return;
        // Hosts have left this version behind: what they are told next must be a newer one.
        state.catalogue.clear();
        // Switched on again, hosts begin a new etcd: they have thrown this one's data away.
        state.etcd = {};
        co_await store(cluster.id);
        co_return;
    }
    const auto seen = look_at_cluster(parts(), cluster);
    if (!seen) {
        // What was told before still counts.
        ClusterState& state = clusters_[cluster.id];
        Draft before;
        before.catalogue = state.catalogue;
        before.datastore_uuid = state.datastore_uuid;
        before.etcd = state.etcd;
        state.is_enabled = true;
        state.text = option_text(before, state.version, state.token);
        co_return;
    }
    const Draft draft =
        make_draft(*seen, clusters_[cluster.id].datastore, clusters_[cluster.id].etcd);
    ClusterState& state = clusters_[cluster.id];
    state.is_enabled = true;
    if (draft.catalogue != state.catalogue || draft.datastore_uuid != state.datastore_uuid ||
        draft.etcd != state.etcd) {
        state.catalogue = draft.catalogue;
        state.datastore = draft.datastore;
        state.datastore_uuid = draft.datastore_uuid;
        // Above all that any host has heard, even if this store was put back from an older copy.
        const auto now_ms = static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(
                parts().context.runtime.clock().wall_now().time_since_epoch())
                .count());
        state.version = std::max(state.version + 2, now_ms);
        const bool is_another_etcd = draft.etcd.members != state.etcd.members;
        state.etcd = draft.etcd;
        if (is_another_etcd) state.token = fmt::format("{}-{}", cluster.id, state.version);
        co_await store(cluster.id);
        base::log_info("high availability of {}: version {} for {} hosts", cluster.id,
                       clusters_[cluster.id].version, seen->hosts.size());
    }
    ClusterState& stored = clusters_[cluster.id];
    stored.text = option_text(draft, stored.version, stored.token);
    stored.judged.clear();
    stored.by_uuid.clear();
    for (const DraftMachine& machine : seen->machines) {
        stored.judged.insert(machine.id);
        stored.by_uuid.emplace(machine.uuid, machine.id);
    }
    tell_unprotected(cluster, draft);
}

}  // namespace drover::center
