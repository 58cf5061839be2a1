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
constexpr std::chrono::seconds kStoreLimit{30};
constexpr std::string_view kSwitchKind = "vswitch";
constexpr std::string_view kNetworkKind = "portgroup";
constexpr std::size_t kMostInterfaceBytes = 15;

MoRef network_ref(const std::string& name) {
    return {TypeId::Network, "HaNetwork-" + name};
}

vim::NetworkSummary make_summary(const NetworkEntry& entry) {
    auto summary = vim::NetworkSummary::make();
    summary.set_network(entry.ref);
    summary.set_name(entry.name);
    summary.set_accessible(true);
    summary.set_ipPoolName("");
    return summary;
}

store::Record record(std::string_view kind, const std::string& id, std::string value,
                     std::string parent) {
    store::Record made;
    made.kind = kind;
    made.id = id;
    made.value = std::move(value);
    made.parent = std::move(parent);
    return made;
}

}  // namespace

Awaitable<void> Networks::start() {
    struct Stored {
        std::vector<store::Record> switches;
        std::vector<store::Record> networks;
    };
    const Stored stored = co_await context_.runtime.blocking(
        "store",
        [this] {
            return Stored{context_.store.load(kSwitchKind), context_.store.load(kNetworkKind)};
        },
        kStoreLimit);
    load_configured();
    load_stored(stored.switches, stored.networks);
    Transaction transaction(context_.inventory);
    for (const NetworkEntry& entry : entries_) publish(transaction, entry);
    transaction.commit();
    const std::vector<SwitchEntry> all = switches_;
    for (const SwitchEntry& entry : all) {
        try {
            co_await ensure_bridge(entry);
        } catch (const std::exception& error) {
            // A bridge that the administrator made is as good; machines say so if it is missing.
            base::log_warning("virtual switch '{}': bridge {}: {}", entry.name, entry.bridge,
                              error.what());
        }
    }
}

void Networks::load_configured() {
    for (const Config::Network& configured : context_.config.networks) {
        if (find_switch(configured.bridge) == nullptr) {
            switches_.push_back({configured.bridge, configured.bridge});
        }
        entries_.push_back(
            {configured.name, configured.bridge, network_ref(configured.name), configured.bridge});
    }
}

// What the configuration file has come to name as well is its.
void Networks::load_stored(const std::vector<store::Record>& switches,
                           const std::vector<store::Record>& networks) {
    for (const store::Record& stored : switches) {
        if (find_switch(stored.id) != nullptr) continue;
        switches_.push_back({stored.id, stored.value, stored.parent, false});
    }
    for (const store::Record& stored : networks) {
        const SwitchEntry* on = find_switch(stored.parent);
        if (find(stored.id) != nullptr || on == nullptr) continue;
        entries_.push_back({stored.id, on->bridge, network_ref(stored.id), on->name, false});
    }
}

void Networks::publish(Transaction& transaction, const NetworkEntry& entry) const {
    transaction.create(entry.ref.type, entry.ref.id);
    set_entity_basics(transaction, entry.ref, entry.name, references::network_folder);
    namespace network = vim::property::Network;
    transaction.set(entry.ref, network::name, Value::string(entry.name));
    transaction.set(entry.ref, network::summary, make_summary(entry).raw());
    transaction.set(entry.ref, network::host,
                    Value::array(TypeId::HostSystem, {Value::moref(references::host)}));
    transaction.set(entry.ref, network::vm, Value::array(TypeId::VirtualMachine, {}));
    namespace names = vim::property;
    transaction.add_reference(references::network_folder, names::Folder::childEntity, entry.ref);
    transaction.add_reference(references::datacenter, names::Datacenter::network, entry.ref);
    transaction.add_reference(references::compute_resource, names::ComputeResource::network,
                              entry.ref);
    transaction.add_reference(references::host, names::HostSystem::network, entry.ref);
}

void Networks::withdraw(Transaction& transaction, const NetworkEntry& entry) const {
    namespace names = vim::property;
    const Value machines = transaction.get(entry.ref, names::Network::vm);
    for (const Value& each : machines ? machines.elements() : std::span<const Value>{}) {
        transaction.remove_reference(each.as_moref(), names::VirtualMachine::network, entry.ref);
    }
    transaction.remove_reference(references::network_folder, names::Folder::childEntity, entry.ref);
    transaction.remove_reference(references::datacenter, names::Datacenter::network, entry.ref);
    transaction.remove_reference(references::compute_resource, names::ComputeResource::network,
                                 entry.ref);
    transaction.remove_reference(references::host, names::HostSystem::network, entry.ref);
    transaction.destroy(entry.ref);
}

Awaitable<void> Networks::ensure_bridge(SwitchEntry entry) {
    if (context_.rootd == nullptr) co_return;
    co_await context_.runtime.blocking(
        "rootd",
        [this, entry] {
            context_.rootd->ensure_bridge(
                entry.bridge, entry.uplink.empty() ? std::nullopt : std::optional(entry.uplink));
        },
        kHelperLimit);
}

Awaitable<void> Networks::store(store::Batch batch) {
    co_await context_.runtime.blocking(
        "store", [this, batch] { context_.store.commit_and_wait(batch); }, kStoreLimit);
}

// The bridge first: should the daemon die in between, one without a name stays behind, and the next
// try takes it.
Awaitable<void> Networks::put_switch(SwitchEntry made) {
    co_await ensure_bridge(made);
    store::Batch batch;
    batch.put(record(kSwitchKind, made.name, made.bridge, made.uplink));
    co_await store(std::move(batch));
    std::erase_if(switches_, [&](const SwitchEntry& other) { return other.name == made.name; });
    switches_.push_back(std::move(made));
}

Awaitable<void> Networks::remove_switch(std::string name) {
    const SwitchEntry* found = find_switch(name);
    if (found == nullptr) co_return;
    const std::string bridge = found->bridge;
    store::Batch batch;
    batch.remove(std::string(kSwitchKind), name);
    for (const NetworkEntry& entry : entries_) {
        if (entry.vswitch == name) batch.remove(std::string(kNetworkKind), entry.name);
    }
    co_await store(std::move(batch));
    Transaction transaction(context_.inventory);
    for (const NetworkEntry& entry : entries_) {
        if (entry.vswitch == name) withdraw(transaction, entry);
    }
    transaction.commit();
    std::erase_if(entries_, [&](const NetworkEntry& entry) { return entry.vswitch == name; });
    std::erase_if(switches_, [&](const SwitchEntry& entry) { return entry.name == name; });
    if (context_.rootd == nullptr) co_return;
    co_await context_.runtime.blocking(
        "rootd", [this, bridge] { context_.rootd->remove_bridge(bridge); }, kHelperLimit);
}

Awaitable<void> Networks::add_network(std::string name, std::string vswitch) {
    store::Batch batch;
    batch.put(record(kNetworkKind, name, "", vswitch));
    co_await store(std::move(batch));
    const SwitchEntry* on = find_switch(vswitch);
    if (on == nullptr || find(name) != nullptr) co_return;
    entries_.push_back({name, on->bridge, network_ref(name), on->name, false});
    Transaction transaction(context_.inventory);
    publish(transaction, entries_.back());
    transaction.commit();
}

Awaitable<void> Networks::remove_network(std::string name) {
    store::Batch batch;
    batch.remove(std::string(kNetworkKind), name);
    co_await store(std::move(batch));
    const NetworkEntry* entry = find(name);
    if (entry == nullptr) co_return;
    Transaction transaction(context_.inventory);
    withdraw(transaction, *entry);
    transaction.commit();
    std::erase_if(entries_, [&](const NetworkEntry& other) { return other.name == name; });
}

std::string Networks::bridge_name(const std::string& switch_name, const std::string& prefix,
                                  base::Random& random) {
    const bool fits = std::ranges::all_of(switch_name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-' || c == '.';
    });
    const auto usable = [&](const std::string& name) {
        return fits && name.size() <= kMostInterfaceBytes && name.size() > prefix.size();
    };
    if (switch_name.starts_with(prefix) && usable(switch_name)) return switch_name;
    if (usable(prefix + "-" + switch_name)) return prefix + "-" + switch_name;
    return (prefix + random.hex(8)).substr(0, kMostInterfaceBytes);
}

const NetworkEntry* Networks::find(std::string_view name) const {
    const auto at = std::ranges::find(entries_, name, &NetworkEntry::name);
    return at == entries_.end() ? nullptr : &*at;
}

const SwitchEntry* Networks::find_switch(std::string_view name) const {
    const auto at = std::ranges::find(switches_, name, &SwitchEntry::name);
    return at == switches_.end() ? nullptr : &*at;
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
