#include "center/forwarding/named_datastores.hpp"

#include "center/tree/tree.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using vim::MoRef;
using vim::Value;

namespace {

std::string_view name_of(const model::ManagedObject& entity) {
    const Value& name = entity.property(vim::property::ManagedEntity::name);
    return name ? name.as_string() : std::string_view{};
}

// "/a/b" of an entity; the root folder's own name is no part of it.
std::string path_of(const model::Inventory& inventory, const model::ManagedObject& entity) {
    std::string path;
    for (const model::ManagedObject* at = &entity; at != nullptr;) {
        const Value& parent = at->property(vim::property::ManagedEntity::parent);
        if (!parent) break;
        path = path.empty() ? std::string(name_of(*at)) : std::string(name_of(*at)) + "/" + path;
        at = inventory.find(parent.moref_id());
    }
    return path;
}

}  // namespace

std::vector<MoRef> datastores_named(const CenterContext& context, std::string_view datacenter,
                                    std::string_view datastore) {
    const model::Inventory& inventory = context.inventory;
    if (datacenter.starts_with('/')) datacenter.remove_prefix(1);
    std::vector<MoRef> found;
    for (const MoRef& each : context.tree.datacenters()) {
        const model::ManagedObject* object = inventory.find(each);
        if (object == nullptr) continue;
        const bool fits = datacenter.empty() || datacenter == each.id ||
                          datacenter == path_of(inventory, *object);
        const Value& list = object->property(vim::property::Datacenter::datastore);
        if (!fits || !list) continue;
        for (const Value& item : list.elements()) {
            const model::ManagedObject* candidate = inventory.find(item.moref_id());
            if (candidate != nullptr && name_of(*candidate) == datastore) {
                found.push_back(candidate->ref());
            }
        }
    }
    return found;
}

}  // namespace drover::center
