#include "host/networks.hpp"

#include <algorithm>

#include "base/log.hpp"
#include "host/inventory_root.hpp"
#include "host/references.hpp"
#include "rootd/client.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using model::Transaction;
using task::Awaitable;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::chrono::seconds kHelperLimit{20};

vim::NetworkSummary make_summary(const NetworkEntry& entry) {
    auto summary = vim::NetworkSummary::make();
    summary.set_network(entry.ref);
    summary.set_name(entry.name);
    summary.set_accessible(true);
    summary.set_ipPoolName("");
    return summary;
}

}  // namespace

Awaitable<void> Networks::start() {
    for (const Config::Network& configured : context_.config.networks) {
        entries_.push_back({configured.name,
                            configured.bridge,
                            {TypeId::Network, "HaNetwork-" + configured.name}});
    }
    Transaction transaction(context_.inventory);
    for (const NetworkEntry& entry : entries_) {
        transaction.create(entry.ref.type, entry.ref.id);
        set_entity_basics(transaction, entry.ref, entry.name, references::network_folder);
        namespace network = vim::property::Network;
        transaction.set(entry.ref, network::name, Value::string(entry.name));
        transaction.set(entry.ref, network::summary, make_summary(entry).raw());
        transaction.set(entry.ref, network::host,
                        Value::array(TypeId::HostSystem, {Value::moref(references::host)}));
        transaction.set(entry.ref, network::vm, Value::array(TypeId::VirtualMachine, {}));
        namespace names = vim::property;
        transaction.add_reference(references::network_folder, names::Folder::childEntity,
                                  entry.ref);
        transaction.add_reference(references::datacenter, names::Datacenter::network, entry.ref);
        transaction.add_reference(references::compute_resource, names::ComputeResource::network,
                                  entry.ref);
        transaction.add_reference(references::host, names::HostSystem::network, entry.ref);
    }
    transaction.commit();
    for (const NetworkEntry& entry : entries_) co_await ensure_bridge(entry);
}

Awaitable<void> Networks::ensure_bridge(const NetworkEntry& entry) {
    if (context_.rootd == nullptr) co_return;
    try {
        co_await context_.runtime.blocking(
            "rootd", [this, bridge = entry.bridge] { context_.rootd->ensure_bridge(bridge); },
            kHelperLimit);
    } catch (const std::exception& error) {
        // A bridge that the administrator made is as good; machines say so if it is really missing.
        base::log_warning("network '{}': bridge {}: {}", entry.name, entry.bridge, error.what());
    }
}

const NetworkEntry* Networks::find(std::string_view name) const {
    const auto at = std::ranges::find(entries_, name, &NetworkEntry::name);
    return at == entries_.end() ? nullptr : &*at;
}

void Networks::set_machine(Transaction& transaction, const std::vector<MoRef>& networks,
                           const MoRef& machine) {
    for (const NetworkEntry& entry : entries_) {
        if (std::ranges::find(networks, entry.ref) != networks.end()) {
            transaction.add_reference(entry.ref, vim::property::Network::vm, machine);
        } else {
            transaction.remove_reference(entry.ref, vim::property::Network::vm, machine);
        }
    }
}

void Networks::remove_machine(Transaction& transaction, const MoRef& machine) {
    set_machine(transaction, {}, machine);
}

}  // namespace drover::host
