#pragma once

#include <span>
#include <vector>

#include "model/inventory.hpp"

namespace drover::model {

/// The properties that hold what an entity of this type contains:
///   Folder             childEntity
///   Datacenter         vmFolder, hostFolder, datastoreFolder, networkFolder
///   ComputeResource    resourcePool, host, datastore, network
///   ResourcePool       resourcePool, vm      (VirtualApp as well)
///   HostSystem         vm, datastore, network
std::span<const PropertyIndex> containment_properties(TypeId type);

/// The references in those properties, in their order. They may name objects that are gone.
std::vector<MoRef> children_of(const ManagedObject& entity);

}  // namespace drover::model
