#include "model/containment.hpp"

#include <array>

#include "vim/properties.hpp"

namespace drover::model {

namespace property = vim::property;

std::span<const PropertyIndex> containment_properties(TypeId type) {
    static constexpr std::array folder{property::Folder::childEntity};
    static constexpr std::array datacenter{
        property::Datacenter::vmFolder, property::Datacenter::hostFolder,
        property::Datacenter::datastoreFolder, property::Datacenter::networkFolder};
    static constexpr std::array compute_resource{
        property::ComputeResource::resourcePool, property::ComputeResource::host,
        property::ComputeResource::datastore, property::ComputeResource::network};
    static constexpr std::array resource_pool{property::ResourcePool::resourcePool,
                                              property::ResourcePool::vm};
    static constexpr std::array host{property::HostSystem::vm, property::HostSystem::datastore,
                                     property::HostSystem::network};
    if (vim::is_a(type, TypeId::Folder)) return folder;
    if (vim::is_a(type, TypeId::Datacenter)) return datacenter;
    if (vim::is_a(type, TypeId::ComputeResource)) return compute_resource;
    if (vim::is_a(type, TypeId::ResourcePool)) return resource_pool;
    if (vim::is_a(type, TypeId::HostSystem)) return host;
    return {};
}

std::vector<MoRef> children_of(const ManagedObject& entity) {
    std::vector<MoRef> children;
    for (const PropertyIndex index : containment_properties(entity.type())) {
        const Value& found = entity.property(index);
        if (found.kind() == vim::ValueKind::moref) {
            children.push_back(found.as_moref());
        } else if (found.kind() == vim::ValueKind::array) {
            for (const Value& each : found.elements()) children.push_back(each.as_moref());
        }
    }
    return children;
}

}  // namespace drover::model
