#pragma once

// What the operations of the tree share: its nodes, the turn that makes one change follow the
// other, and those who own what hangs below. Only src/center/tree includes it.

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "center/context.hpp"
#include "center/tree/node.hpp"
#include "center/tree/numbers.hpp"
#include "center/tree/pool_sums.hpp"
#include "center/tree/tree.hpp"
#include "service/authorization/turns.hpp"

namespace drover::center {

/// Belongs to the strand. Changes go so: take a turn, check, build the nodes as they shall be,
/// store() them, show() them in one transaction. Nodes never change otherwise.
struct TreeState {
    explicit TreeState(const CenterBasics& basics) : context(basics), turns(basics.runtime) {}

    const CenterBasics& context;
    std::unordered_map<std::string, Node> nodes;
    service::Turns turns;
    std::map<vim::TypeId, Tree::Remove> removers;
    std::map<vim::TypeId, Tree::Remove> unregisterers;
    std::map<vim::TypeId, Tree::Move> movers;
    /// What the machines right in a pool use and reserve, by the pool's id; summaries.hpp keeps it.
    std::unordered_map<std::string, PoolShare> shares;

    // Finding. By the reference's id.
    const Node* find(const vim::MoRef& ref) const;
    /// Throws ManagedObjectNotFound.
    const Node& get(const vim::MoRef& ref) const;
    /// The node itself and all above it, the root folder last.
    std::vector<const Node*> path_of(const Node& node) const;
    /// The nearest node of this type at or above another; nullptr if there is none.
    const Node* above(const vim::MoRef& ref, vim::TypeId type) const;
    /// A datacenter's folder of a kind.
    vim::MoRef folder_of(const vim::MoRef& datacenter, FolderKind kind) const;
    vim::MoRef root_pool_of(const vim::MoRef& compute_resource) const;
    /// Nodes at and below one, those above before those below.
    std::vector<vim::MoRef> subtree(const vim::MoRef& ref) const;
    /// Hosts or machines that hang in these nodes: published children that are no nodes.
    std::vector<vim::MoRef> mirrored_in(const std::vector<vim::MoRef>& below) const;

    // Checking.
    void require_free_name(const vim::MoRef& parent, std::string_view name,
                           const vim::MoRef& except = {}) const;
    void require_takes(const vim::MoRef& folder, vim::TypeId child) const;
    /// NotSupported for a node that can't be changed alone.
    static void require_changeable(const Node& node, std::string_view what);
    /// NoPermission unless the caller holds the privilege.
    void require_privilege(const task::Call& call, const vim::MoRef& object,
                           std::string_view privilege) const;

    // Changing.
    task::Awaitable<void> store(std::vector<Node> changed, std::vector<vim::MoRef> gone = {});
    /// Puts nodes in, new ones or with another name, parent or configuration, and shows them.
    /// Parents before children.
    void show(std::vector<Node> changed);
    /// Takes nodes out, children before parents.
    void hide(const std::vector<vim::MoRef>& gone);

    /// A folder of a new datacenter, a root pool and the like, complete but for numbers.
    Node new_folder(std::string name, const vim::MoRef& parent, FolderKind kind,
                    bool is_fixed = false);
    Node new_root_pool(const vim::MoRef& compute_resource);

    std::string name_of(const vim::MoRef& entity) const;
};

// publish.cpp: objects of nodes.
/// Makes the object of a node, with neutral values for what others fill.
void create_object(model::Transaction& transaction, const Node& node);
/// Sets what the node says: name, parent, configuration.
void update_object(model::Transaction& transaction, const Node& node);
/// The property of `parent` that lists such a child; nullopt if none does.
std::optional<model::PropertyIndex> child_list(const vim::MoRef& parent, vim::TypeId child);
/// ResourcePool.childConfiguration of a pool.
void update_child_configuration(model::Transaction& transaction, const TreeState& state,
                                const vim::MoRef& pool);

// One file for each kind of operation. All are called once.
void serve_folders(TreeState& state);
void serve_clusters(TreeState& state);
void serve_rename(TreeState& state);
void serve_move(TreeState& state);
void serve_destroy(TreeState& state);
void serve_pools(TreeState& state);

}  // namespace drover::center
