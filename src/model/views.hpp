#pragma once

// Views: sets of managed objects that a session keeps on the server, mostly to start traversals.
// They are managed objects of the inventory (ContainerView, ListView, InventoryView), belong to one
// session and follow the inventory by its deltas: a change notes that a view is out of date, the
// next read of its `view` property lists it anew.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "model/inventory.hpp"

namespace drover::model {

struct ViewLimits {
    std::size_t views_per_session = 500;
    std::size_t objects_per_list = 100'000;
};

/// The ViewManager. All calls run on the inventory's strand, outside of transactions, and commit
/// one of their own. Faults are thrown as vim::Fault.
class Views {
public:
    /// Makes the ViewManager under this id. `root_folder` is where inventory views begin. The
    /// inventory and the random source must outlive it.
    Views(Inventory& inventory, std::string view_manager_id, MoRef root_folder,
          base::Random& random, ViewLimits limits = {});
    ~Views();
    Views(const Views&) = delete;
    Views& operator=(const Views&) = delete;

    /// What the container holds (children_of), all the way down if `recursive`. `types` are wire
    /// names and match subtypes; none means every type.
    MoRef create_container_view(const Reader& reader, const MoRef& container,
                                const std::vector<std::string>& types, bool recursive);
    MoRef create_list_view(const Reader& reader, const std::vector<MoRef>& objects);
    MoRef create_list_view_from_view(const Reader& reader, const MoRef& view);
    MoRef create_inventory_view(const Reader& reader);
    void destroy_view(const Reader& reader, const MoRef& view);

    // These return the references that could not be resolved.
    std::vector<MoRef> modify_list_view(const Reader& reader, const MoRef& view,
                                        const std::vector<MoRef>& add,
                                        const std::vector<MoRef>& remove);
    std::vector<MoRef> reset_list_view(const Reader& reader, const MoRef& view,
                                       const std::vector<MoRef>& objects);
    void reset_list_view_from_view(const Reader& reader, const MoRef& view, const MoRef& from);
    std::vector<MoRef> open_inventory_view_folder(const Reader& reader, const MoRef& view,
                                                  const std::vector<MoRef>& entities);
    std::vector<MoRef> close_inventory_view_folder(const Reader& reader, const MoRef& view,
                                                   const std::vector<MoRef>& entities);

    /// Destroys the session's views.
    void end_session(std::string_view session_key);

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace drover::model
