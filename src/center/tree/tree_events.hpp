#pragma once

#include "center/tree/tree_state.hpp"
#include "vim/history_types.hpp"

namespace drover::center {

// What events say of where they happened, names as they are now.
vim::FolderEventArgument folder_argument(const TreeState& state, const vim::MoRef& folder);
vim::DatacenterEventArgument datacenter_argument(const TreeState& state, const vim::MoRef& entity);
vim::ComputeResourceEventArgument compute_argument(const TreeState& state,
                                                   const vim::MoRef& entity);
vim::ResourcePoolEventArgument pool_argument(const TreeState& state, const vim::MoRef& pool);

/// An event about a cluster or a pool, with what stands above it.
template <class Event>
Event event_at(const TreeState& state, const vim::MoRef& entity) {
    auto event = Event::make();
    event.set_computeResource(compute_argument(state, entity));
    if (auto datacenter = datacenter_argument(state, entity)) event.set_datacenter(datacenter);
    return event;
}

}  // namespace drover::center
