#include "model/search_index.hpp"

#include <algorithm>
#include <unordered_map>

#include "vim/fault.hpp"
#include "vim/properties.hpp"
#include "vim/types.hpp"

namespace drover::model {
namespace {

namespace property = vim::property;

// What an object can be found by. Part of the index's key.
enum class Kind : char {
    name = 'n',
    vm_uuid = 'u',
    vm_instance_uuid = 'i',
    vm_ip = 'a',
    vm_dns_name = 'd',
    vm_path = 'p',
    host_uuid = 'U',
    host_ip = 'A',
    host_dns_name = 'D',
};

using Keys = std::vector<std::string>;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string make_key(Kind kind, std::string_view text) {
    std::string key(1, static_cast<char>(kind));
    if (kind == Kind::name || kind == Kind::vm_path) return key.append(text);
    for (const char c : text) key += lower(c);
    return key;
}

void add(Keys& keys, Kind kind, std::string_view text) {
    if (!text.empty()) keys.push_back(make_key(kind, text));
}

// The API escapes in names what paths use: / \ % as %2f %5c %25.
std::string unescape(std::string_view text) {
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%' && i + 2 < text.size()) {
            const char high = text[i + 1];
            const char low = lower(text[i + 2]);
            const char meant = high == '2' && low == 'f'   ? '/'
                               : high == '5' && low == 'c' ? '\\'
                               : high == '2' && low == '5' ? '%'
                                                           : '\0';
            if (meant != '\0') {
                c = meant;
                i += 2;
            }
        }
        plain += c;
    }
    return plain;
}

void add_machine_keys(Keys& keys, PropertyIndex index, const Value& value) {
    if (index == property::VirtualMachine::config) {
        const vim::VirtualMachineConfigInfo config(value);
        add(keys, Kind::vm_uuid, config.uuid());
        add(keys, Kind::vm_instance_uuid, config.instanceUuid().value_or(""));
        add(keys, Kind::vm_path, config.files().vmPathName().value_or(""));
    } else if (index == property::VirtualMachine::guest) {
        const vim::GuestInfo guest(value);
        add(keys, Kind::vm_ip, guest.ipAddress().value_or(""));
        for (const auto& nic : guest.net()) {
            for (const auto address : nic.ipAddress()) add(keys, Kind::vm_ip, address);
        }
        add(keys, Kind::vm_dns_name, guest.hostName().value_or(""));
    }
}

void add_interface_keys(Keys& keys, const vim::ArrayView<vim::HostVirtualNic>& interfaces) {
    for (const auto& each : interfaces) {
        add(keys, Kind::host_ip, each.spec().ip().ipAddress().value_or(""));
    }
}

void add_host_keys(Keys& keys, PropertyIndex index, const Value& value) {
    if (index == property::HostSystem::hardware) {
        add(keys, Kind::host_uuid, vim::HostHardwareInfo(value).systemInfo().uuid());
    } else if (index == property::HostSystem::name) {
        add(keys, Kind::host_ip, value.as_string());
        add(keys, Kind::host_dns_name, value.as_string());
    } else if (index == property::HostSystem::config) {
        const auto network = vim::HostConfigInfo(value).network();
        add_interface_keys(keys, network.vnic());
        add_interface_keys(keys, network.consoleVnic());
        const auto dns = network.dnsConfig();
        add(keys, Kind::host_dns_name, dns.hostName());
        if (!dns.hostName().empty() && !dns.domainName().empty()) {
            add(keys, Kind::host_dns_name,
                std::string(dns.hostName()) + '.' + std::string(dns.domainName()));
        }
    }
}

bool is_indexed(TypeId type, PropertyIndex index) {
    if (!vim::is_a(type, TypeId::ManagedEntity)) return false;
    if (index == property::ManagedEntity::name) return true;
    if (type == TypeId::VirtualMachine) {
        return index == property::VirtualMachine::config ||
               index == property::VirtualMachine::guest;
    }
    return type == TypeId::HostSystem &&
           (index == property::HostSystem::hardware || index == property::HostSystem::config);
}

// What the value of one property lets an object be found by; each key once.
Keys keys_of(TypeId type, PropertyIndex index, const Value& value) {
    Keys keys;
    if (!value) return keys;
    if (index == property::ManagedEntity::name) {
        add(keys, Kind::name, unescape(value.as_string()));
    }
    if (type == TypeId::VirtualMachine) add_machine_keys(keys, index, value);
    if (type == TypeId::HostSystem) add_host_keys(keys, index, value);
    std::ranges::sort(keys);
    const auto rest = std::ranges::unique(keys);
    keys.erase(rest.begin(), rest.end());
    return keys;
}

bool refers_to(const ManagedObject& object, PropertyIndex index, const ManagedObject& target) {
    const Value& value = object.property(index);
    return value.kind() == vim::ValueKind::moref && value.moref_id() == target.id();
}

bool is_child(const ManagedObject& object, const ManagedObject& parent) {
    if (refers_to(object, property::ManagedEntity::parent, parent)) return true;
    return object.type() == TypeId::VirtualMachine &&
           (refers_to(object, property::VirtualMachine::resourcePool, parent) ||
            refers_to(object, property::VirtualMachine::parentVApp, parent));
}

}  // namespace

class SearchIndex::Impl {
public:
    Impl(Inventory& the_inventory, MoRef root_folder)
        : inventory(the_inventory), root(std::move(root_folder)) {
        inventory.for_each([&](const ManagedObject& object) { insert(object); });
        subscription = inventory.observe([this](const Delta& delta) { note(delta); });
    }

    void note(const Delta& delta) {
        for (const auto& object : delta.destroyed) {
            for (std::size_t i = 0; i < object->property_count(); ++i) {
                update(*object, static_cast<PropertyIndex>(i),
                       object->property(static_cast<PropertyIndex>(i)), {});
            }
        }
        for (const ManagedObject* object : delta.created) insert(*object);
        for (const PropertyChange& change : delta.changes) {
            update(*change.object, change.property, change.old_value, change.new_value);
        }
    }

    void insert(const ManagedObject& object) {
        for (std::size_t i = 0; i < object.property_count(); ++i) {
            const auto index = static_cast<PropertyIndex>(i);
            update(object, index, {}, object.property(index));
        }
    }

    void update(const ManagedObject& object, PropertyIndex index, const Value& before,
                const Value& after) {
        if (!is_indexed(object.type(), index)) return;
        const Keys old_keys = keys_of(object.type(), index, before);
        const Keys new_keys = keys_of(object.type(), index, after);
        if (old_keys == new_keys) return;
        for (const auto& key : old_keys) {
            const auto found = objects.find(key);
            auto& list = found->second;
            list.erase(std::ranges::find(list, &object));
            if (list.empty()) objects.erase(found);
        }
        for (const auto& key : new_keys) objects[key].push_back(&object);
    }

    // Climbs the parents; the count ends it should they ever form a ring.
    bool is_below(const ManagedObject& object, const MoRef& ancestor) const {
        const ManagedObject* at = &object;
        for (int steps = 0; at && steps < 100; ++steps) {
            if (at->id() == ancestor.id) return true;
            const Value* parent = &at->property(property::ManagedEntity::parent);
            if (!*parent && at->type() == TypeId::VirtualMachine) {
                parent = &at->property(property::VirtualMachine::parentVApp);
            }
            at = *parent ? inventory.find(parent->moref_id()) : nullptr;
        }
        return false;
    }

    std::vector<MoRef> search(const Reader& reader, const MoRef& datacenter, Kind kind,
                              std::string_view text) const {
        if (datacenter) {
            const ManagedObject& found = inventory.get(datacenter);
            if (!is_visible(found, reader)) throw vim::object_not_found(datacenter);
        }
        std::vector<MoRef> refs;
        const auto found = objects.find(make_key(kind, text));
        if (found == objects.end()) return refs;
        for (const ManagedObject* object : found->second) {
            if (!is_visible(*object, reader)) continue;
            if (datacenter && !is_below(*object, datacenter)) continue;
            refs.push_back(object->ref());
        }
        std::ranges::sort(refs, reference_less, &MoRef::id);
        const auto rest = std::ranges::unique(refs);
        refs.erase(rest.begin(), rest.end());
        return refs;
    }

    const ManagedObject* child(const Reader& reader, const ManagedObject& parent,
                               std::string_view name) const {
        const auto found = objects.find(make_key(Kind::name, unescape(name)));
        if (found == objects.end()) return nullptr;
        for (const ManagedObject* object : found->second) {
            if (is_child(*object, parent) && is_visible(*object, reader)) return object;
        }
        return nullptr;
    }

    Inventory& inventory;
    MoRef root;
    std::unordered_map<std::string, std::vector<const ManagedObject*>> objects;
    Subscription subscription;
};

namespace {

MoRef first_of(const std::vector<MoRef>& refs) {
    return refs.empty() ? MoRef{} : refs.front();
}

}  // namespace

SearchIndex::SearchIndex(Inventory& inventory, std::string search_index_id, MoRef root_folder)
    : impl_(std::make_unique<Impl>(inventory, std::move(root_folder))) {
    Transaction transaction(inventory);
    transaction.create(TypeId::SearchIndex, std::move(search_index_id));
    transaction.commit();
}

SearchIndex::~SearchIndex() = default;

MoRef SearchIndex::find_by_uuid(const Reader& reader, const MoRef& datacenter,
                                std::string_view uuid, bool vm_search, bool instance_uuid) const {
    return first_of(find_all_by_uuid(reader, datacenter, uuid, vm_search, instance_uuid));
}

std::vector<MoRef> SearchIndex::find_all_by_uuid(const Reader& reader, const MoRef& datacenter,
                                                 std::string_view uuid, bool vm_search,
                                                 bool instance_uuid) const {
    const Kind kind = !vm_search      ? Kind::host_uuid
                      : instance_uuid ? Kind::vm_instance_uuid
                                      : Kind::vm_uuid;
    return impl_->search(reader, datacenter, kind, uuid);
}

MoRef SearchIndex::find_by_ip(const Reader& reader, const MoRef& datacenter, std::string_view ip,
                              bool vm_search) const {
    return first_of(find_all_by_ip(reader, datacenter, ip, vm_search));
}

std::vector<MoRef> SearchIndex::find_all_by_ip(const Reader& reader, const MoRef& datacenter,
                                               std::string_view ip, bool vm_search) const {
    return impl_->search(reader, datacenter, vm_search ? Kind::vm_ip : Kind::host_ip, ip);
}

MoRef SearchIndex::find_by_dns_name(const Reader& reader, const MoRef& datacenter,
                                    std::string_view dns_name, bool vm_search) const {
    return first_of(find_all_by_dns_name(reader, datacenter, dns_name, vm_search));
}

std::vector<MoRef> SearchIndex::find_all_by_dns_name(const Reader& reader, const MoRef& datacenter,
                                                     std::string_view dns_name,
                                                     bool vm_search) const {
    return impl_->search(reader, datacenter, vm_search ? Kind::vm_dns_name : Kind::host_dns_name,
                         dns_name);
}

MoRef SearchIndex::find_by_datastore_path(const Reader& reader, const MoRef& datacenter,
                                          std::string_view path) const {
    return first_of(impl_->search(reader, datacenter, Kind::vm_path, path));
}

MoRef SearchIndex::find_by_inventory_path(const Reader& reader, std::string_view path) const {
    const ManagedObject* at = impl_->inventory.find(impl_->root);
    if (at && !is_visible(*at, reader)) at = nullptr;
    while (at && !path.empty()) {
        const auto slash = path.find('/');
        const auto name = path.substr(0, slash);
        path = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
        if (!name.empty()) at = impl_->child(reader, *at, name);
    }
    return at ? at->ref() : MoRef{};
}

MoRef SearchIndex::find_child(const Reader& reader, const MoRef& entity,
                              std::string_view name) const {
    const ManagedObject& parent = impl_->inventory.get(entity);
    if (!is_visible(parent, reader)) throw vim::object_not_found(entity);
    const ManagedObject* found = impl_->child(reader, parent, name);
    return found ? found->ref() : MoRef{};
}

}  // namespace drover::model
