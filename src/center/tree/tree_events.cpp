#include "center/tree/tree_events.hpp"

namespace drover::center {

using vim::MoRef;
using vim::TypeId;

vim::FolderEventArgument folder_argument(const TreeState& state, const MoRef& folder) {
    auto made = vim::FolderEventArgument::make();
    made.set_folder(folder);
    made.set_name(state.name_of(folder));
    return made;
}

vim::DatacenterEventArgument datacenter_argument(const TreeState& state, const MoRef& entity) {
    const Node* datacenter = state.above(entity, TypeId::Datacenter);
    if (datacenter == nullptr) return {};
    auto made = vim::DatacenterEventArgument::make();
    made.set_datacenter(datacenter->ref);
    made.set_name(datacenter->name);
    return made;
}

vim::ComputeResourceEventArgument compute_argument(const TreeState& state, const MoRef& entity) {
    const Node* compute = state.above(entity, TypeId::ComputeResource);
    if (compute == nullptr) return {};
    auto made = vim::ComputeResourceEventArgument::make();
    made.set_computeResource(compute->ref);
    made.set_name(compute->name);
    return made;
}

vim::ResourcePoolEventArgument pool_argument(const TreeState& state, const MoRef& pool) {
    auto made = vim::ResourcePoolEventArgument::make();
    made.set_resourcePool(pool);
    made.set_name(state.name_of(pool));
    return made;
}

}  // namespace drover::center
