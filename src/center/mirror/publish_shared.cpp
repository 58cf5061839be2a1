// Datastores and networks, put together from what each host says of them.

#include <algorithm>

#include "center/mirror/mirror_state.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using model::PropertyIndex;
using model::Transaction;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

namespace datastore = vim::property::Datastore;

Value references_of(TypeId type, const std::vector<MoRef>& list) {
    std::vector<Value> values;
    for (const MoRef& each : list) values.push_back(Value::moref(each));
    return Value::array(type, std::move(values));
}

PropertyIndex list_of(const MoRef& shared) {
    return shared.type == TypeId::Datastore ? vim::property::HostSystem::datastore
                                            : vim::property::HostSystem::network;
}

// The hosts that have it; what is above them follows from their lists.
void list(const MirrorState& state, Transaction& transaction, Shared& shared) {
    std::vector<MoRef> wanted;
    for (const auto& [id, _] : shared.hosts) {
        const auto host = state.hosts.find(id);
        if (host == state.hosts.end()) continue;
        wanted.push_back(host->second->host.ref);
    }
    for (const MoRef& each : shared.listed_on) {
        if (std::ranges::find(wanted, each) != wanted.end() || !transaction.exists(each)) continue;
        transaction.remove_reference(each, list_of(shared.ref), shared.ref);
    }
    for (const MoRef& each : wanted) {
        if (transaction.exists(each)) {
            transaction.add_reference(each, list_of(shared.ref), shared.ref);
        }
    }
    shared.listed_on = std::move(wanted);
}

std::vector<MoRef> hosts_of(const MirrorState& state, const Shared& shared) {
    std::vector<MoRef> found;
    for (const auto& [id, _] : shared.hosts) {
        const auto host = state.hosts.find(id);
        if (host != state.hosts.end()) found.push_back(host->second->host.ref);
    }
    std::ranges::sort(found, model::reference_less, &MoRef::id);
    return found;
}

// One mount for each host, as it says; what does not answer reaches nothing.
Value mounts_of(const MirrorState& state, const Shared& shared) {
    std::vector<Value> mounts;
    for (const MoRef& ref : hosts_of(state, shared)) {
        const HostMirror& host = *state.find(ref);
        const PictureObject* object = host.picture.find(shared.hosts.at(ref.id));
        if (object == nullptr || !object->property(datastore::host)) continue;
        const Value said = state.to_center(host, object->property(datastore::host));
        for (const Value& each : said.elements()) {
            vim::DatastoreHostMount mount(each);
            if (!host.connected) {
                auto info = mount.mountInfo();
                info.set_accessible(false);
                mount.set_mountInfo(info);
            }
            mounts.push_back(mount.raw());
        }
    }
    return Value::array(TypeId::DatastoreHostMount, std::move(mounts));
}

vim::DatastoreSummary unheard_summary(const Shared& shared) {
    auto summary = vim::DatastoreSummary::make();
    summary.set_url(shared.key);
    summary.set_capacity(0);
    summary.set_freeSpace(0);
    summary.set_type("local");
    return summary;
}

void publish_summary(Transaction& transaction, const Shared& shared, vim::DatastoreSummary summary,
                     bool accessible) {
    if (!summary) summary = unheard_summary(shared);
    summary.set_datastore(shared.ref);
    summary.set_name(shared.name);
    summary.set_accessible(accessible);
    summary.set_multipleHostAccess(shared.hosts.size() > 1);
    const vim::DatastoreSummary before(transaction.get(shared.ref, datastore::summary));
    transaction.set(shared.ref, datastore::summary, summary.raw());
    // Between such changes the status may follow from alarms.
    if (before && before.accessible() == accessible) return;
    const auto status =
        accessible ? vim::ManagedEntityStatus::green : vim::ManagedEntityStatus::red;
    transaction.set(shared.ref, datastore::overallStatus,
                    vim::Convert<vim::ManagedEntityStatus>::to(status));
}

void publish_browser(const MirrorState& state, Transaction& transaction, const Shared& shared,
                     const HostMirror* speaker, const PictureObject* object) {
    namespace property = vim::property::HostDatastoreBrowser;
    const MoRef browser{TypeId::HostDatastoreBrowser, browser_id(shared.ref)};
    if (!transaction.exists(browser)) {
        transaction.create(browser.type, browser.id);
        transaction.set(browser, property::datastore,
                        references_of(TypeId::Datastore, {shared.ref}));
        transaction.set(shared.ref, datastore::browser, Value::moref(browser));
    }
    if (object == nullptr || !object->property(datastore::browser)) return;
    const PictureObject* own =
        speaker->picture.find(object->property(datastore::browser).moref_id());
    if (own == nullptr) return;
    set_property(transaction, browser, property::supportedType,
                 state.to_center(*speaker, own->property(property::supportedType)));
}

void publish_datastore(const MirrorState& state, Transaction& transaction, const Shared& shared,
                       const HostMirror* speaker, const PictureObject* object) {
    const vim::DatastoreSummary said(object != nullptr ? object->property(datastore::summary)
                                                       : Value{});
    const bool accessible = speaker != nullptr && speaker->connected && said && said.accessible();
    publish_summary(transaction, shared, said, accessible);
    publish_browser(state, transaction, shared, speaker, object);
    set_property(transaction, shared.ref, datastore::host, mounts_of(state, shared));
    if (object == nullptr) return;
    for (const PropertyIndex index :
         {datastore::info, datastore::capability, datastore::iormConfiguration,
          datastore::configStatus, datastore::configIssue, datastore::disabledMethod}) {
        set_property(transaction, shared.ref, index,
                     state.to_center(*speaker, object->property(index)));
    }
}

void publish_network(const MirrorState& state, Transaction& transaction, const Shared& shared,
                     const HostMirror* speaker, const PictureObject* object) {
    namespace property = vim::property::Network;
    vim::NetworkSummary summary(object != nullptr
                                    ? state.to_center(*speaker, object->property(property::summary))
                                    : Value{});
    if (!summary) {
        summary = vim::NetworkSummary::make();
        summary.set_ipPoolName("");
        summary.set_accessible(false);
    }
    summary.set_network(shared.ref);
    summary.set_name(shared.name);
    transaction.set(shared.ref, property::summary, summary.raw());
    transaction.set(shared.ref, property::name, Value::string(shared.name));
    transaction.set(shared.ref, property::host,
                    references_of(TypeId::HostSystem, hosts_of(state, shared)));
    if (object == nullptr) return;
    transaction.set(shared.ref, property::overallStatus, object->property(property::overallStatus));
}

}  // namespace

void publish_shared(MirrorState& state, Transaction& transaction, Shared& shared) {
    Tree& tree = state.context.tree;
    const bool is_datastore = shared.ref.type == TypeId::Datastore;
    if (!shared.published) {
        transaction.create(shared.ref.type, shared.ref.id);
        Tree::set_entity_basics(transaction, shared.ref, shared.name, shared.folder);
        is_datastore ? tree.attach_datastore(transaction, shared.datacenter, shared.ref)
                     : tree.attach_network(transaction, shared.datacenter, shared.ref);
        shared.published = true;
    }
    const HostMirror* speaker = state.speaker_of(shared);
    const PictureObject* object =
        speaker != nullptr ? speaker->picture.find(shared.hosts.at(speaker->host.ref.id)) : nullptr;
    transaction.set(shared.ref, vim::property::ManagedEntity::name, Value::string(shared.name));
    is_datastore ? publish_datastore(state, transaction, shared, speaker, object)
                 : publish_network(state, transaction, shared, speaker, object);
    list(state, transaction, shared);
}

void withdraw_shared(MirrorState& state, Transaction& transaction, Shared& shared) {
    if (!shared.published) return;
    shared.published = false;
    shared.hosts.clear();
    list(state, transaction, shared);
    Tree& tree = state.context.tree;
    if (shared.ref.type == TypeId::Datastore) {
        tree.detach_datastore(transaction, shared.datacenter, shared.ref);
        const MoRef browser{TypeId::HostDatastoreBrowser, browser_id(shared.ref)};
        if (transaction.exists(browser)) transaction.destroy(browser);
    } else {
        tree.detach_network(transaction, shared.datacenter, shared.ref);
    }
    transaction.destroy(shared.ref);
}

}  // namespace drover::center
