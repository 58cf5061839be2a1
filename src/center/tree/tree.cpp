#include "center/tree/tree.hpp"

#include "base/log.hpp"
#include "center/references.hpp"
#include "center/tree/cluster_config.hpp"
#include "center/tree/names.hpp"
#include "center/tree/summaries.hpp"
#include "center/tree/tree_state.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using model::Transaction;
using task::Awaitable;
using vim::MoRef;
using vim::TypeId;
using vim::Value;
namespace property = vim::property;

namespace {
constexpr std::chrono::seconds kStoreLimit{60};
}

class Tree::Impl {
public:
    explicit Impl(const CenterBasics& context) : state(context), summaries(state) {}

    Awaitable<void> load();

    TreeState state;
    Summaries summaries;
};

// Damage is not repaired behind the administrator's back: what can't be read, and all below it, is
// left out and stays in the store.
Awaitable<void> Tree::Impl::load() {
    const auto records = co_await state.context.runtime.blocking(
        "store", [this] { return state.context.store.load(kTreeKind); }, kStoreLimit);
    std::unordered_map<std::string, std::vector<Node>> below;
    bool has_root = false;
    for (const store::Record& record : records) {
        try {
            Node node = node_from_record(record);
            if (node.ref.type == TypeId::ClusterComputeResource) {
                node.config = completed(vim::ClusterConfigInfoEx(node.config)).raw();
            }
            has_root |= node.ref == references::root_folder;
            below[node.parent.id].push_back(std::move(node));
        } catch (const std::exception& error) {
            base::log_error("the record of {} is damaged, left alone: {}", record.id, error.what());
        }
    }
    if (!has_root) {
        Node root;
        root.ref = references::root_folder;
        root.name = "Datacenters";
        root.kind = FolderKind::datacenter;
        root.is_fixed = true;
        co_await state.store({root});
        below[""].push_back(std::move(root));
    }
    std::vector<Node> ordered;
    std::vector<std::string> parents{""};
    for (std::size_t i = 0; i < parents.size(); ++i) {
        const auto children = below.find(parents[i]);
        if (children == below.end()) continue;
        for (Node& node : children->second) {
            parents.push_back(node.ref.id);
            ordered.push_back(std::move(node));
        }
    }
    if (ordered.size() < records.size()) {
        base::log_error("{} records of the tree hang nowhere", records.size() - ordered.size());
    }
    state.show(std::move(ordered));
}

Tree::Tree(const CenterBasics& context) : impl_(std::make_unique<Impl>(context)) {}

Tree::~Tree() = default;

Awaitable<void> Tree::start() {
    co_await impl_->load();
    impl_->summaries.start();
    TreeState& state = impl_->state;
    serve_folders(state);
    serve_clusters(state);
    serve_rename(state);
    serve_move(state);
    serve_destroy(state);
    serve_pools(state);
}

Awaitable<MoRef> Tree::add_compute_resource(MoRef host_folder, std::string name, MoRef reference) {
    TreeState& state = impl_->state;
    const auto turn = co_await state.turns.take();
    if (reference && state.find(reference) != nullptr) co_return reference;
    state.require_takes(host_folder, TypeId::ComputeResource);
    const std::string checked = checked_name(name, "name");
    state.require_free_name(host_folder, checked);
    Node compute;
    compute.ref = reference ? reference : state.context.numbers.next(TypeId::ComputeResource);
    compute.name = checked;
    compute.parent = state.get(host_folder).ref;
    compute.config = default_compute_config();
    std::vector<Node> made{compute, state.new_root_pool(compute.ref)};
    co_await state.store(made);
    state.show(std::move(made));
    co_return compute.ref;
}

Awaitable<void> Tree::remove_compute_resource(MoRef resource) {
    TreeState& state = impl_->state;
    const auto turn = co_await state.turns.take();
    if (state.find(resource) == nullptr) co_return;
    auto gone = state.subtree(resource);
    std::ranges::reverse(gone);
    co_await state.store({}, gone);
    state.hide(gone);
}

void Tree::require_free_name(const MoRef& parent, std::string_view name) const {
    impl_->state.require_free_name(parent, name);
}

void Tree::require_takes(const MoRef& folder, TypeId child) const {
    impl_->state.require_takes(folder, child);
}

MoRef Tree::root_pool_of(const MoRef& compute_resource) const {
    return impl_->state.root_pool_of(compute_resource);
}

MoRef Tree::owner_of_pool(const MoRef& pool) const {
    const Node* found = impl_->state.above(pool, TypeId::ComputeResource);
    return found == nullptr ? MoRef{} : found->ref;
}

MoRef Tree::datacenter_of(const MoRef& entity) const {
    const Node* found = impl_->state.above(entity, TypeId::Datacenter);
    return found == nullptr ? MoRef{} : found->ref;
}

std::vector<MoRef> Tree::datacenters() const {
    std::vector<MoRef> found;
    for (const auto& [id, node] : impl_->state.nodes) {
        if (node.ref.type == TypeId::Datacenter) found.push_back(node.ref);
    }
    return found;
}

MoRef Tree::vm_folder_of(const MoRef& datacenter) const {
    return impl_->state.folder_of(datacenter, FolderKind::machine);
}

MoRef Tree::host_folder_of(const MoRef& datacenter) const {
    return impl_->state.folder_of(datacenter, FolderKind::host);
}

MoRef Tree::datastore_folder_of(const MoRef& datacenter) const {
    return impl_->state.folder_of(datacenter, FolderKind::datastore);
}

MoRef Tree::network_folder_of(const MoRef& datacenter) const {
    return impl_->state.folder_of(datacenter, FolderKind::network);
}

void Tree::on_destroy(TypeId child, Remove remove) {
    impl_->state.removers[child] = std::move(remove);
}

void Tree::on_unregister(TypeId child, Remove unregister) {
    impl_->state.unregisterers[child] = std::move(unregister);
}

void Tree::on_move(TypeId child, Move move) {
    impl_->state.movers[child] = std::move(move);
}

}  // namespace drover::center
