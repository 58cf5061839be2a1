#pragma once

// Who may do what: the rules in force, the users and groups they name, and how both change. What
// another caller may is worked out once (evaluation.hpp) and remembered until something changes.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/inventory.hpp"
#include "service/authorization/directory.hpp"
#include "service/authorization/evaluation.hpp"
#include "service/authorization/rules.hpp"
#include "service/authorization/turns.hpp"
#include "service/readers.hpp"
#include "store/store.hpp"
#include "task/dispatcher.hpp"

namespace drover::service {

/// Everything that is stored of it. A value.
struct AuthorizationState {
    Rules rules;
    Directory directory;
};

/// One change: how it was before, and how it is now.
struct AuthorizationChange {
    std::shared_ptr<const AuthorizationState> before;
    std::shared_ptr<const AuthorizationState> after;
};

/// Belongs to the strand.
class Authorization {
public:
    struct Parts {
        task::Runtime& runtime;
        model::Inventory& inventory;
        store::Store& store;
        vim::MoRef root;  ///< the root folder
        /// The entity on which privileges for an object that is none are to be held (a host for its
        /// host's services); empty: the root folder.
        std::function<vim::MoRef(const model::ManagedObject&)> anchor;
    };

    explicit Authorization(Parts parts);
    Authorization(const Authorization&) = delete;
    Authorization& operator=(const Authorization&) = delete;

    /// Reads what is stored. Before, nobody may do anything. Where no permission was ever stored,
    /// the first account becomes Administrator of the root folder.
    task::Awaitable<void> load();

    /// Whether a caller holds a privilege on an object. Objects that are no entities: views,
    /// filters and collectors belong to their session, a task follows its entity, a snapshot its
    /// machine, and for everything else see Parts::anchor. Without a session there is
    /// System.Anonymous, and what everybody may see of the service instance. False for objects that
    /// are not there.
    bool may(const task::Caller& caller, const vim::MoRef& object,
             std::string_view privilege) const;
    bool may(const task::Caller& caller, const model::ManagedObject& object,
             std::string_view privilege) const;

    /// What a user may do; the same object until something changes.
    std::shared_ptr<const Access> access_of(const std::string& user) const;
    /// The same with the privileges on any object (as `may`, without sessions).
    PrivilegeSet privileges_on(const std::string& user, const model::ManagedObject& object) const;

    /// Reads the inventory as a caller may.
    model::ReaderPtr reader_of(const task::Caller& caller);

    const Rules& rules() const { return state_->rules; }
    const Directory& directory() const { return state_->directory; }
    const vim::MoRef& root() const { return parts_.root; }
    model::Inventory& inventory() const { return parts_.inventory; }
    task::Runtime& runtime() const { return parts_.runtime; }

    /// Changes rules and directory: one change after the other; stored before this returns.
    /// `edit` works on a copy and throws what is wrong with the request. Permissions of users and
    /// groups that are gone go with them. AuthMinimumAdminPermission if nobody would be left who
    /// administers everything.
    task::Awaitable<AuthorizationChange> change(std::function<void(AuthorizationState&)> edit);

    /// Called after each change of the rules or the directory, and once they are loaded.
    void on_change(std::function<void()> listener) { listeners_.push_back(std::move(listener)); }
    /// Called when what somebody may see may have changed, for whatever reason.
    void on_access_change(std::function<void()> callback) { on_access_ = std::move(callback); }

    /// Counts up whenever remembered answers may have become wrong.
    std::uint64_t generation() const { return generation_; }

private:
    const model::ManagedObject* entity_of(const model::ManagedObject& object) const;
    void observe(const model::Delta& delta);
    void note_entity(const model::ManagedObject& entity);
    void publish_entities();
    task::Awaitable<void> drop_entities(std::vector<std::string> gone);
    void forget_access();
    AuthorizationChange install(AuthorizationState next);

    Parts parts_;
    Turns turns_;
    std::shared_ptr<const AuthorizationState> state_;
    std::uint64_t generation_ = 1;
    mutable std::unordered_map<std::string, std::shared_ptr<const Access>> access_;
    std::vector<std::function<void()>> listeners_;
    std::function<void()> on_access_;
    std::vector<vim::MoRef> new_entities_;
    bool tells_ = false;  // on_access_ is scheduled
    model::Subscription subscription_;
    PrivilegeIndex view_ = privilege_index("System.View");
};

}  // namespace drover::service
