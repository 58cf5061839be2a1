// HostSystem objects, and the managers, browsers and snapshots that a host has to itself.

#include "center/mirror/mirror_state.hpp"
#include "center/tree/data.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using model::Transaction;
using vim::MoRef;
using vim::TypeId;
using vim::Value;
using vim::ValueKind;

namespace {

namespace property = vim::property::HostSystem;

// Whether the host answers is the link's to say: what is published of that stays.
vim::HostRuntimeInfo runtime_of(const Transaction& transaction, const MoRef& host,
                                const Value& said) {
    vim::HostRuntimeInfo runtime(said);
    const vim::HostRuntimeInfo shown(transaction.get(host, property::runtime));
    if (runtime && shown) runtime.set_connectionState(shown.connectionState());
    return runtime;
}

Value summary_of(const Transaction& transaction, const HostMirror& host, const Value& said) {
    vim::HostListSummary summary(said);
    if (!summary) return said;
    if (auto config = summary.config()) {
        config.set_name(host.host.name);
        config.set_sslThumbprint(host.host.thumbprint);
        summary.set_config(config);
    }
    if (const auto runtime = summary.runtime()) {
        summary.set_runtime(runtime_of(transaction, host.host.ref, runtime.raw()));
    }
    return summary.raw();
}

// References to managers that the host does not show to us lead nowhere: features that are not
// there.
Value managers_of(HostMirror& host, const Value& said) {
    if (said.kind() != ValueKind::object) return said;
    host.managers.clear();
    Value made = said;
    const auto slots = said.slots();
    for (std::size_t i = 0; i < slots.size(); ++i) {
        if (slots[i].kind() != ValueKind::moref) continue;
        const std::string id(slots[i].moref_id());
        if (host.picture.find(id) == nullptr) {
            made.set_slot(i, Value{});
        } else {
            host.managers.insert(id);
        }
    }
    return made;
}

}  // namespace

void keep_custom_values(const Transaction& transaction, const MoRef& entity, Value& summary) {
    if (!summary || !transaction.exists(entity)) return;
    const Value values = transaction.get(entity, vim::property::ManagedEntity::customValue);
    if (values && !values.elements().empty()) set_property(summary, "customValue", values);
}

void keep_status(const Transaction& transaction, const MoRef& entity, Value& summary) {
    if (!summary || !transaction.exists(entity)) return;
    const Value status = transaction.get(entity, vim::property::ManagedEntity::overallStatus);
    if (status && !(summary.property("overallStatus") == status)) {
        set_property(summary, "overallStatus", status);
    }
}

void publish_host_system(MirrorState& state, Transaction& transaction, HostMirror& host,
                         const PictureObject& object, const HostMirror::Dirty& dirty) {
    const MoRef& ref = host.host.ref;
    if (!transaction.exists(ref)) return;
    for (const auto index : waiting(object, dirty)) {
        if (is_centers_own(TypeId::HostSystem, index)) continue;
        Value value = object.property(index);
        if (index == property::configManager) {
            const auto before = host.managers;
            value = managers_of(host, value);
            for (const auto& id : host.managers) {
                const PictureObject* manager = host.picture.find(id);
                if (!before.contains(id) && manager != nullptr) host.mark_all(*manager);
            }
        }
        value = state.to_center(host, value);
        if (index == property::runtime) value = runtime_of(transaction, ref, value).raw();
        if (index == property::summary) {
            value = summary_of(transaction, host, value);
            keep_custom_values(transaction, ref, value);
            keep_status(transaction, ref, value);
        }
        set_property(transaction, ref, index, std::move(value));
    }
}

bool is_own(const HostMirror& host, const PictureObject& object) {
    switch (object.ref.type) {
        case TypeId::EnvironmentBrowser:
        case TypeId::VirtualMachineSnapshot:
            return true;
        case TypeId::HostDatastoreBrowser:
            return !host.datastore_of.contains(object.ref.id);
        default:
            return host.managers.contains(object.ref.id);
    }
}

void publish_own(MirrorState& state, Transaction& transaction, HostMirror& host,
                 const PictureObject& object, const HostMirror::Dirty& dirty) {
    const MoRef ref{object.ref.type, host.own_id(object.ref.id)};
    const bool is_new = host.own.insert(object.ref.id).second;
    if (is_new) {
        if (transaction.exists(ref)) return;  // an id that another kind of object took
        transaction.create(ref.type, ref.id);
        state.own_home[ref.id] = {&host, object.ref};
    }
    for (const auto index : waiting(object, is_new ? HostMirror::Dirty{true, {}} : dirty)) {
        if (is_centers_own(ref.type, index)) continue;
        set_property(transaction, ref, index, state.to_center(host, object.property(index)));
    }
    if (ref.type == TypeId::EnvironmentBrowser) {
        show_environment(state, transaction, host.compute_resource);
    }
}

void withdraw_own(MirrorState& state, Transaction& transaction, HostMirror& host,
                  const std::string& host_id) {
    if (host.own.erase(host_id) == 0) return;
    const std::string id = host.own_id(host_id);
    const auto found = state.own_home.find(id);
    if (found == state.own_home.end()) return;
    const MoRef ref{found->second.ref.type, id};
    state.own_home.erase(found);
    if (!transaction.exists(ref)) return;
    transaction.destroy(ref);
    if (ref.type == TypeId::EnvironmentBrowser) {
        show_environment(state, transaction, host.compute_resource);
    }
}

// What its first host says.
void show_environment(const MirrorState& state, Transaction& transaction,
                      const MoRef& compute_resource) {
    if (!transaction.exists(compute_resource)) return;
    Value browser;
    for (const auto& [_, host] : state.hosts) {
        if (host->compute_resource != compute_resource) continue;
        for (const auto& id : host->own) {
            const MoRef ref{TypeId::EnvironmentBrowser, host->own_id(id)};
            const auto home = state.own_home.find(ref.id);
            if (home == state.own_home.end() || home->second.ref.type != ref.type) continue;
            if (!browser) browser = Value::moref(ref);
        }
        if (browser) break;
    }
    transaction.set(compute_resource, vim::property::ComputeResource::environmentBrowser, browser);
}

}  // namespace drover::center
