#pragma once

// What a view holds, and how it keeps that true. Private to this directory.

#include <string>
#include <unordered_set>
#include <vector>

#include "model/inventory.hpp"
#include "model/membership.hpp"

namespace drover::model {

/// One view of one session.
class ViewState {
public:
    ViewState(MoRef ref, std::string session_key)
        : ref_(std::move(ref)), session_key_(std::move(session_key)) {}
    virtual ~ViewState() = default;
    ViewState(const ViewState&) = delete;
    ViewState& operator=(const ViewState&) = delete;

    const MoRef& ref() const { return ref_; }
    const std::string& session_key() const { return session_key_; }

    /// True if the view may hold something else after this delta, and nobody was told since it was
    /// last read.
    virtual bool note(const Delta& delta) = 0;
    /// No permission is looked at.
    virtual const std::vector<const ManagedObject*>& objects(const Inventory& inventory) = 0;

private:
    MoRef ref_;
    std::string session_key_;
};

/// False if no view can hold anything else after this delta: most deltas change no containment.
bool concerns_views(const Delta& delta);

/// What is below a container: a selection of all that children_of() leads to. Deltas are noted; the
/// next read catches up.
class ContainerViewState final : public ViewState {
public:
    /// `types`: those it holds, with their subtypes; none means every type.
    ContainerViewState(MoRef ref, std::string session_key, const MoRef& container,
                       const std::vector<TypeId>& types, bool recursive);

    bool note(const Delta& delta) override;
    const std::vector<const ManagedObject*>& objects(const Inventory& inventory) override;

private:
    Selection selection_;
    Membership membership_{selection_};
    bool noted_ = true;
    std::vector<const ManagedObject*> objects_;
};

/// A list that only its client changes; what is destroyed drops out. An inventory view is such a
/// list as well, which grows by the contents of the folders that are opened.
class ListViewState final : public ViewState {
public:
    using ViewState::ViewState;

    bool note(const Delta& delta) override;
    const std::vector<const ManagedObject*>& objects(const Inventory&) override { return objects_; }

    bool holds(const ManagedObject* object) const { return members_.contains(object); }
    void add(const ManagedObject* object);
    bool remove(const ManagedObject* object);
    void clear();

private:
    std::vector<const ManagedObject*> objects_;
    std::unordered_set<const ManagedObject*> members_;
};

}  // namespace drover::model
