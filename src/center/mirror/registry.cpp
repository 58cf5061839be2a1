#include "center/mirror/registry.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/log.hpp"
#include "center/mirror/host_mirror.hpp"
#include "vim/json.hpp"

namespace drover::center {

using nlohmann::json;
using vim::MoRef;
using vim::TypeId;

namespace {

std::string place_of(const MoRef& host, std::string_view id) {
    return fmt::format("{}/{}", host.id, id);
}

std::string key_of(TypeId type, const MoRef& datacenter, std::string_view key) {
    return fmt::format("{}/{}/{}", vim::describe(type).name(), datacenter.id, key);
}

std::string text_of(const json& value, const char* name) {
    const auto found = value.find(name);
    return found != value.end() && found->is_string() ? found->get<std::string>() : std::string();
}

store::Record record_of(const Machine& machine) {
    json value = {{"path", machine.path},        {"host_id", machine.host_id},
                  {"folder", machine.folder.id}, {"pool", machine.pool.id},
                  {"name", machine.name},        {"template", machine.is_template}};
    if (machine.summary) {
        value["summary"] = vim::encode_json_value(
            machine.summary, TypeId::VirtualMachineConfigSummary, vim::newest_release());
    }
    store::Record record;
    record.kind = Registry::kMachine;
    record.id = machine.ref.id;
    record.name = machine.uuid;
    record.parent = machine.host.id;
    record.value = value.dump(-1, ' ', false, json::error_handler_t::replace);
    return record;
}

store::Record record_of(const Shared& shared) {
    const bool is_datastore = shared.ref.type == TypeId::Datastore;
    const json value = {
        {"name", shared.name}, {"hosts", shared.hosts}, {"folder", shared.folder.id}};
    store::Record record;
    record.kind = is_datastore ? Registry::kDatastore : Registry::kNetwork;
    record.id = shared.ref.id;
    record.name = shared.key;
    record.parent = shared.datacenter.id;
    record.value = value.dump(-1, ' ', false, json::error_handler_t::replace);
    return record;
}

std::unique_ptr<Machine> machine_of(const store::Record& record) {
    const json value = json::parse(record.value);
    auto machine = std::make_unique<Machine>();
    machine->ref = {TypeId::VirtualMachine, record.id};
    machine->uuid = record.name;
    machine->host = {TypeId::HostSystem, record.parent};
    machine->path = text_of(value, "path");
    machine->host_id = text_of(value, "host_id");
    machine->folder = {TypeId::Folder, text_of(value, "folder")};
    machine->pool = {TypeId::ResourcePool, text_of(value, "pool")};
    machine->name = text_of(value, "name");
    machine->is_template = value.value("template", false);
    const std::string summary = text_of(value, "summary");
    if (!summary.empty()) {
        machine->summary = vim::decode_json_value(summary, TypeId::VirtualMachineConfigSummary);
    }
    return machine;
}

std::unique_ptr<Shared> shared_of(const store::Record& record, TypeId type) {
    const json value = json::parse(record.value);
    auto shared = std::make_unique<Shared>();
    shared->ref = {type, record.id};
    shared->key = record.name;
    shared->datacenter = {TypeId::Datacenter, record.parent};
    shared->name = text_of(value, "name");
    const std::string folder = text_of(value, "folder");
    if (!folder.empty()) shared->folder = {TypeId::Folder, folder};
    if (const auto hosts = value.find("hosts"); hosts != value.end() && hosts->is_object()) {
        for (const auto& [host, id] : hosts->items()) {
            if (id.is_string()) shared->hosts[host] = id.get<std::string>();
        }
    }
    return shared;
}

template <class Read>
void read_all(const std::vector<store::Record>& records, Read read) {
    for (const store::Record& record : records) {
        try {
            read(record);
        } catch (const std::exception& error) {
            base::log_error("the record of {} '{}' can't be read: {}", record.kind, record.id,
                            error.what());
        }
    }
}

}  // namespace

void Registry::load(const std::vector<store::Record>& machines,
                    const std::vector<store::Record>& datastores,
                    const std::vector<store::Record>& networks) {
    read_all(machines, [this](const store::Record& record) {
        auto machine = machine_of(record);
        index(*machine);
        machines_[record.id] = std::move(machine);
    });
    const auto take = [this](const store::Record& record, TypeId type) {
        auto shared = shared_of(record, type);
        by_key_[key_of(type, shared->datacenter, shared->key)] = shared.get();
        shared_[record.id] = std::move(shared);
    };
    read_all(datastores, [&](const auto& record) { take(record, TypeId::Datastore); });
    read_all(networks, [&](const auto& record) { take(record, TypeId::Network); });
}

Machine* Registry::match(const Identity& identity) {
    const auto place = by_place_.find(place_of(identity.host, identity.host_id));
    const auto [begin, end] = identity.uuid.empty() ? std::pair{by_uuid_.end(), by_uuid_.end()}
                                                    : by_uuid_.equal_range(identity.uuid);
    Machine* unseen = nullptr;
    for (auto at = begin; at != end; ++at) {
        Machine& machine = *at->second;
        const bool comes_here = machine.move && machine.move->to == identity.host;
        if (machine.path == identity.path || comes_here) return &machine;
        const bool same_path = std::ranges::any_of(
            machine.sightings, [&](const Sighting& each) { return each.path == identity.path; });
        if (same_path) return &machine;
        if (machine.sightings.empty() && machine.host == identity.host) unseen = &machine;
    }
    if (unseen != nullptr) return unseen;
    if (place == by_place_.end() || !place->second->sightings.empty()) return nullptr;
    // The host gives an id again for another machine: then uuids differ.
    Machine& known = *place->second;
    const bool may_be = identity.uuid.empty() || known.uuid.empty();
    return may_be || known.uuid == identity.uuid ? &known : nullptr;
}

void Registry::index(Machine& machine) {
    const std::string& id = machine.ref.id;
    if (const auto known = indexed_uuid_.find(id); known != indexed_uuid_.end()) {
        const auto [begin, end] = by_uuid_.equal_range(known->second);
        for (auto at = begin; at != end; ++at) {
            if (at->second != &machine) continue;
            by_uuid_.erase(at);
            break;
        }
    }
    if (const auto known = indexed_place_.find(id); known != indexed_place_.end()) {
        const auto at = by_place_.find(known->second);
        if (at != by_place_.end() && at->second == &machine) by_place_.erase(at);
    }
    by_uuid_.emplace(machine.uuid, &machine);
    indexed_uuid_[id] = machine.uuid;
    indexed_place_[id] = place_of(machine.host, machine.host_id);
    by_place_[indexed_place_[id]] = &machine;
}

Machine& Registry::add_machine(MoRef ref) {
    auto machine = std::make_unique<Machine>();
    machine->ref = std::move(ref);
    Machine& made = *machine;
    machines_[made.ref.id] = std::move(machine);
    return made;
}

void Registry::changed(Machine& machine) {
    index(machine);
    changes_[machine.ref.id] = kMachine;
}

void Registry::remove(Machine& machine) {
    const std::string id = machine.ref.id;
    machine.uuid.clear();
    machine.host = {};
    index(machine);
    const auto [begin, end] = by_uuid_.equal_range("");
    for (auto at = begin; at != end; ++at) {
        if (at->second != &machine) continue;
        by_uuid_.erase(at);
        break;
    }
    if (const auto at = by_place_.find(indexed_place_[id]); at->second == &machine) {
        by_place_.erase(at);
    }
    indexed_uuid_.erase(id);
    indexed_place_.erase(id);
    machines_.erase(id);
    changes_[id] = kMachine;
}

Machine* Registry::find_machine(std::string_view id) {
    const auto found = machines_.find(std::string(id));
    return found == machines_.end() ? nullptr : found->second.get();
}

const Machine* Registry::find_machine(std::string_view id) const {
    return const_cast<Registry*>(this)->find_machine(id);
}

Shared* Registry::match_shared(TypeId type, const MoRef& datacenter, std::string_view key) {
    const auto found = by_key_.find(key_of(type, datacenter, key));
    return found == by_key_.end() ? nullptr : found->second;
}

Shared& Registry::add_shared(MoRef ref, const MoRef& datacenter, std::string key) {
    auto shared = std::make_unique<Shared>();
    shared->ref = std::move(ref);
    shared->datacenter = datacenter;
    shared->key = std::move(key);
    Shared& made = *shared;
    by_key_[key_of(made.ref.type, datacenter, made.key)] = &made;
    shared_[made.ref.id] = std::move(shared);
    return made;
}

void Registry::changed(Shared& shared) {
    changes_[shared.ref.id] = shared.ref.type == TypeId::Datastore ? kDatastore : kNetwork;
}

void Registry::remove(Shared& shared) {
    changed(shared);
    by_key_.erase(key_of(shared.ref.type, shared.datacenter, shared.key));
    shared_.erase(std::string(shared.ref.id));
}

Shared* Registry::find_shared(std::string_view id) {
    const auto found = shared_.find(std::string(id));
    return found == shared_.end() ? nullptr : found->second.get();
}

const Shared* Registry::find_shared(std::string_view id) const {
    return const_cast<Registry*>(this)->find_shared(id);
}

store::Batch Registry::take_batch() {
    store::Batch batch;
    std::size_t taken = 0;
    while (!changes_.empty() && taken++ < store::kMaxWritesPerBatch) {
        const auto& [id, kind] = *changes_.begin();
        if (kind == kMachine) {
            const Machine* machine = find_machine(id);
            machine != nullptr ? batch.put(record_of(*machine))
                               : batch.remove(std::string(kind), id);
        } else {
            const Shared* shared = find_shared(id);
            shared != nullptr ? batch.put(record_of(*shared)) : batch.remove(std::string(kind), id);
        }
        changes_.erase(changes_.begin());
        if (batch.size_bytes() > store::kMaxBatchBytes / 2) break;
    }
    return batch;
}

const Sighting* choose_sighting(const Machine& machine) {
    const auto rank = [&machine](const Sighting& each) {
        if (each.runs && each.host->connected) return 3;
        if (each.runs) return 2;
        return each.host == machine.shown ? 1 : 0;
    };
    const Sighting* best = nullptr;
    for (const Sighting& each : machine.sightings) {
        if (best == nullptr || rank(each) > rank(*best)) best = &each;
    }
    // Of two that run it the one that is believed already.
    for (const Sighting& each : machine.sightings) {
        if (each.host == machine.shown && rank(each) >= 2 && rank(each) == rank(*best))
            return &each;
    }
    return best;
}

}  // namespace drover::center
