#include "model/view_state.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "model/containment.hpp"

namespace drover::model {
namespace {

// The view itself holds everything; what its session may see is looked at when it reads.
class Everything final : public Reader {
public:
    std::string_view session_key() const override { return {}; }
    Release release() const override { return vim::newest_release(); }
    bool may_view(const ManagedObject&) const override { return true; }
    bool may_read(const ManagedObject&, std::string_view) const override { return true; }
};

bool is_containment(const PropertyChange& change) {
    const auto followed = containment_properties(change.object->type());
    return std::ranges::find(followed, change.property) != followed.end();
}

// The types whose contents differ in their properties.
constexpr std::array kContainers{TypeId::Folder, TypeId::Datacenter, TypeId::ComputeResource,
                                 TypeId::ResourcePool, TypeId::HostSystem};

std::vector<vim::SelectionSpec> containment_traversals(bool recursive) {
    std::vector<vim::SelectionSpec> all;
    std::vector<vim::SelectionSpec> names;
    for (const TypeId type : kContainers) {
        for (const PropertyIndex index : containment_properties(type)) {
            const auto path = vim::describe(type).properties()[index].name();
            const std::string name =
                std::string(vim::describe(type).name()) + "." + std::string(path);
            auto named = vim::SelectionSpec::make();
            named.set_name(name);
            names.push_back(named);
            auto traversal = vim::TraversalSpec::make();
            traversal.set_name(name);
            traversal.set_type(vim::describe(type).name());
            traversal.set_path(path);
            all.push_back(traversal);
        }
    }
    if (!recursive) return all;
    for (auto& each : all) {
        auto traversal = each.as<vim::TraversalSpec>();
        traversal.set_selectSet(names);
        each = traversal;
    }
    return all;
}

Selection contents_of(const MoRef& container, const std::vector<TypeId>& types, bool recursive) {
    std::vector<vim::PropertySpec> properties;
    for (const TypeId type : types.empty() ? std::vector{TypeId::ManagedEntity} : types) {
        auto property = vim::PropertySpec::make();
        property.set_type(vim::describe(type).name());
        properties.push_back(property);
    }
    auto start = vim::ObjectSpec::make();
    start.set_obj(container);
    start.set_skip(true);
    start.set_selectSet(containment_traversals(recursive));
    auto spec = vim::PropertyFilterSpec::make();
    spec.set_propSet(properties);
    spec.set_objectSet({start});
    constexpr std::size_t unlimited = std::numeric_limits<std::size_t>::max();
    SpecBudget budget{unlimited, unlimited, unlimited, unlimited};
    return Selection::compile(spec, vim::newest_release(), budget);
}

}  // namespace

bool concerns_views(const Delta& delta) {
    return !delta.destroyed.empty() || !delta.created.empty() ||
           std::ranges::any_of(delta.changes, is_containment);
}

ContainerViewState::ContainerViewState(MoRef ref, std::string session_key, const MoRef& container,
                                       const std::vector<TypeId>& types, bool recursive)
    : ViewState(std::move(ref), std::move(session_key)),
      selection_(contents_of(container, types, recursive)) {}

bool ContainerViewState::note(const Delta& delta) {
    bool matters = false;
    for (const auto& object : delta.destroyed) {
        if (!membership_.note_destroyed(*object)) continue;
        matters = true;
        std::erase(objects_, object.get());
    }
    for (const ManagedObject* object : delta.created) matters |= membership_.note_created(*object);
    for (const PropertyChange& change : delta.changes) {
        if (is_containment(change)) matters |= membership_.note_change(change);
    }
    if (!matters) return false;
    return !std::exchange(noted_, true);
}

const std::vector<const ManagedObject*>& ContainerViewState::objects(const Inventory& inventory) {
    noted_ = false;
    if (membership_.is_current()) return objects_;
    const auto turn = membership_.refresh(inventory, Everything{});
    if (!turn.left.empty()) {
        const std::unordered_set<const ManagedObject*> left(turn.left.begin(), turn.left.end());
        std::erase_if(objects_, [&](const auto* object) { return left.contains(object); });
    }
    objects_.insert(objects_.end(), turn.entered.begin(), turn.entered.end());
    return objects_;
}

bool ListViewState::note(const Delta& delta) {
    std::size_t dropped = 0;
    for (const auto& object : delta.destroyed) dropped += remove(object.get()) ? 1U : 0U;
    return dropped > 0;
}

void ListViewState::add(const ManagedObject* object) {
    if (members_.insert(object).second) objects_.push_back(object);
}

bool ListViewState::remove(const ManagedObject* object) {
    if (members_.erase(object) == 0) return false;
    std::erase(objects_, object);
    return true;
}

void ListViewState::clear() {
    objects_.clear();
    members_.clear();
}

}  // namespace drover::model
