// From a host's references to the center's.

#include <algorithm>

#include "center/mirror/mirror_state.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using vim::MoRef;
using vim::TypeId;
using vim::Value;

HostMirror* MirrorState::find(const MoRef& host) const {
    const auto found = hosts.find(host.id);
    return found == hosts.end() ? nullptr : found->second.get();
}

MoRef MirrorState::datacenter_of(const HostMirror& host) const {
    return context.tree.datacenter_of(host.compute_resource);
}

MoRef MirrorState::center_ref(const HostMirror& host, TypeId type, std::string_view id) const {
    const std::string key(id);
    switch (type) {
        case TypeId::HostSystem:
            return host.host.ref;
        case TypeId::VirtualMachine: {
            const auto found = host.machine_of.find(key);
            return found == host.machine_of.end() ? MoRef{} : found->second->ref;
        }
        case TypeId::ComputeResource:
        case TypeId::ClusterComputeResource:
            return host.compute_resource;
        case TypeId::ResourcePool:
        case TypeId::VirtualApp:
            return context.tree.root_pool_of(host.compute_resource);
        case TypeId::Datacenter:
            return datacenter_of(host);
        case TypeId::Folder: {
            const MoRef datacenter = datacenter_of(host);
            return key == host.own_vm_folder.id ? context.tree.vm_folder_of(datacenter)
                                                : datacenter;
        }
        case TypeId::HostDatastoreBrowser: {
            const auto datastore = host.datastore_of.find(key);
            if (datastore == host.datastore_of.end()) break;
            const auto shared = host.shared_of.find(datastore->second);
            if (shared == host.shared_of.end()) return {};
            return {type, browser_id(shared->second->ref)};
        }
        default:
            break;
    }
    if (vim::is_a(type, TypeId::Datastore) || vim::is_a(type, TypeId::Network)) {
        const auto found = host.shared_of.find(key);
        return found == host.shared_of.end() ? MoRef{} : found->second->ref;
    }
    return {type, host.own_id(id)};
}

Value MirrorState::to_center(const HostMirror& host, const Value& value) const {
    return translate(value, ToCenter(*this, host));
}

Value ToCenter::map(const Value& reference) const {
    const MoRef made = state_.center_ref(host_, reference.moref_type(), reference.moref_id());
    return made ? Value::moref(made) : Value{};
}

const HostMirror* MirrorState::speaker_of(const Shared& shared) const {
    const HostMirror* best = nullptr;
    int best_rank = -1;
    for (const auto& [host_id, id] : shared.hosts) {
        const auto at = hosts.find(host_id);
        if (at == hosts.end()) continue;
        const HostMirror& host = *at->second;
        const PictureObject* object = host.picture.find(id);
        if (object == nullptr) continue;
        bool accessible = true;
        if (shared.ref.type == TypeId::Datastore) {
            const vim::DatastoreSummary summary(
                object->property(vim::property::Datastore::summary));
            accessible = summary && summary.accessible();
        }
        const int rank = (host.connected ? 2 : 0) + (accessible ? 1 : 0);
        if (rank > best_rank) {
            best = &host;
            best_rank = rank;
        }
    }
    return best;
}

std::string browser_id(const MoRef& datastore) {
    return "datastoreBrowser-" + datastore.id;
}

bool is_centers_own(TypeId type, model::PropertyIndex property) {
    namespace entity = vim::property::ManagedEntity;
    if (vim::is_a(type, TypeId::ManagedEntity)) {
        switch (property) {
            case entity::parent:
            case entity::customValue:
            case entity::value:
            case entity::availableField:
            case entity::effectiveRole:
            case entity::permission:
            case entity::alarmActionsEnabled:
            case entity::declaredAlarmState:
            case entity::triggeredAlarmState:
            case entity::recentTask:
            case entity::tag:
                return true;
            default:
                break;
        }
    }
    if (type == TypeId::HostSystem) {
        namespace host = vim::property::HostSystem;
        return property == host::name || property == host::vm || property == host::datastore ||
               property == host::network;
    }
    if (type == TypeId::VirtualMachine) {
        namespace machine = vim::property::VirtualMachine;
        return property == machine::resourcePool || property == machine::parentVApp;
    }
    return false;
}

std::vector<model::PropertyIndex> waiting(const PictureObject& object,
                                          const HostMirror::Dirty& dirty) {
    if (!dirty.all) return dirty.properties;
    std::vector<model::PropertyIndex> all(object.properties.size());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<model::PropertyIndex>(i);
    return all;
}

void set_property(model::Transaction& transaction, const MoRef& object,
                  model::PropertyIndex property, Value value) {
    const auto& descriptor = vim::describe(object.type).properties()[property];
    if (!value && descriptor.array()) value = Value::array(descriptor.type(), {});
    transaction.set(object, property, std::move(value));
}

}  // namespace drover::center
