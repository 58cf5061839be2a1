#pragma once

// The inventory: all managed objects of one server, and the only way to change them.
//
// One strand owns an inventory: it is the single writer and the single reader of the objects, and
// nothing here locks. Property values are immutable; take a Value and encode it on any thread.
// Changes are made in transactions. A commit yields one Delta, which every consumer sees (filters,
// events, the store, ...); there is no other way to learn of a change.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/reader.hpp"
#include "vim/value.hpp"

namespace drover::model {

using vim::MoRef;
using vim::Release;
using vim::TypeId;
using vim::Value;

/// Index into the property table of an object's type: vim::property::VirtualMachine::config.
using PropertyIndex = std::uint16_t;

/// A property that depends on who reads it or on time. Runs on the strand; must not write.
using ComputedProperty = std::function<Value(const Reader&)>;

class ManagedObject;

/// The objects, visible or not, that a computed list of references leads to, for whoever follows
/// them: saves looking up each. Valid until the next commit. As ComputedProperty otherwise.
using ComputedObjects = std::function<const std::vector<const ManagedObject*>&(const Reader&)>;

class ManagedObject {
public:
    const MoRef& ref() const { return ref_; }
    TypeId type() const { return ref_.type; }
    const std::string& id() const { return ref_.id; }
    /// `ref()` as a value, made once.
    const Value& reference() const { return reference_; }
    /// The session that it belongs to (see owning_session); empty for all but a session's own.
    std::string_view owner() const { return owner_; }
    /// Unique over all objects that ever were: an id that is destroyed and made again is another
    /// object.
    std::uint64_t generation() const { return generation_; }

    /// The stored value; unset where nothing was stored or the property is computed.
    const Value& property(PropertyIndex index) const;
    /// The value as this reader sees it, computed ones included. No permission is checked.
    Value read(PropertyIndex index, const Reader& reader) const;
    bool is_computed(PropertyIndex index) const;
    /// The objects of a computed list, if whoever computes it can tell; else null.
    const std::vector<const ManagedObject*>* objects(PropertyIndex index,
                                                     const Reader& reader) const;
    std::size_t property_count() const { return count_; }

    /// Hints for whoever goes through thousands of objects, given some objects ahead: that its
    /// values and its reference, then that the content of one property will be read soon.
    void prefetch_values(PropertyIndex index) const {
        reference_.prefetch();
        if (index < count_) __builtin_prefetch(&values_[index]);
    }
    void prefetch_content(PropertyIndex index) const {
        if (index < count_) values_[index].prefetch();
    }

    ManagedObject(const ManagedObject&) = delete;
    ManagedObject& operator=(const ManagedObject&) = delete;

private:
    friend class Inventory;
    friend class Transaction;
    struct Compute {
        ComputedProperty value;
        ComputedObjects objects;
    };
    using Computed = std::unordered_map<PropertyIndex, Compute>;

    ManagedObject(MoRef ref, std::uint64_t generation);

    MoRef ref_;
    Value reference_;
    std::string_view owner_;  // within ref_.id
    std::uint64_t generation_;
    std::uint16_t count_;
    std::unique_ptr<Value[]> values_;
    std::unique_ptr<Computed> computed_;
};

/// One property that changed in a commit.
struct PropertyChange {
    const ManagedObject* object;
    PropertyIndex property;
    /// True where the property is computed (or became so): then both values are unset and only a
    /// read tells what it is now.
    bool computed;
    Value old_value;
    Value new_value;
};

/// What one commit did. Pointers to living objects hold while the delta is being observed.
struct Delta {
    std::uint64_t number;
    std::vector<const ManagedObject*> created;
    /// With their last values.
    std::vector<std::shared_ptr<const ManagedObject>> destroyed;
    /// Of objects that were there before and still are; one entry for each property.
    std::vector<PropertyChange> changes;

    bool empty() const { return created.empty() && destroyed.empty() && changes.empty(); }
};

/// Ends an observation when it goes. May outlive the inventory; movable.
class Subscription {
public:
    Subscription() = default;
    explicit Subscription(std::shared_ptr<void> slot) : slot_(std::move(slot)) {}
    void reset() { slot_.reset(); }

private:
    std::shared_ptr<void> slot_;
};

class Inventory {
public:
    /// Says that a computed property of an object has a new value.
    using Touch = std::function<void(const MoRef& object, PropertyIndex property)>;
    using Observer = std::function<void(const Delta&)>;
    using Deriver = std::function<void(const Delta&, const Touch&)>;

    Inventory();
    ~Inventory();
    Inventory(const Inventory&) = delete;
    Inventory& operator=(const Inventory&) = delete;

    /// The object, nullptr if there is none of this id or if it is not of the reference's type (a
    /// base type will do, and so will TypeId::none). Valid until the next commit that destroys it.
    const ManagedObject* find(const MoRef& ref) const;
    const ManagedObject* find(std::string_view id) const;
    /// The same, but throws ManagedObjectNotFound.
    const ManagedObject& get(const MoRef& ref) const;
    std::size_t size() const { return objects_.size(); }
    /// Calls `visit` for every object, in no particular order.
    void for_each(const std::function<void(const ManagedObject&)>& visit) const;

    /// Calls `observer` for every commit that changed something, in order of subscription. It must
    /// not begin a transaction (that is checked); what it wants to change it posts to the strand.
    [[nodiscard]] Subscription observe(Observer observer);
    /// As observe, but called before all observers, to announce computed properties that follow
    /// from the delta: what it touches becomes part of the same delta.
    [[nodiscard]] Subscription derive(Deriver deriver);

    /// The number of the last commit that changed something.
    std::uint64_t last_delta() const { return last_delta_; }

private:
    friend class Transaction;
    struct IdHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view id) const {
            return std::hash<std::string_view>{}(id);
        }
    };
    using Objects = std::unordered_map<std::string_view, std::shared_ptr<ManagedObject>, IdHash,
                                       std::equal_to<>>;
    template <class Function>
    using Slots = std::vector<std::weak_ptr<Function>>;

    void publish(Delta& delta);

    Objects objects_;
    Slots<Deriver> derivers_;
    Slots<Observer> observers_;
    std::uint64_t next_generation_ = 1;
    std::uint64_t last_delta_ = 0;
    bool writing_ = false;
    bool publishing_ = false;
};

/// A set of changes that happens as a whole: nothing is visible to others before commit(), and
/// nothing happened if it is destroyed without. One at a time; not kept across a suspension.
/// Misuse (unknown objects, a property index that the type does not have, a value of another type)
/// is a programmer's error and aborts.
class Transaction {
public:
    explicit Transaction(Inventory& inventory);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    /// A new object with all properties unset. The id must be free (destroying its holder in the
    /// same transaction frees it).
    MoRef create(TypeId type, std::string id);
    void set(const MoRef& object, PropertyIndex property, Value value);
    /// The property is computed at each read from now on.
    void set_computed(const MoRef& object, PropertyIndex property, ComputedProperty compute);
    /// The same for a list of references whose objects are known.
    void set_computed(const MoRef& object, PropertyIndex property, ComputedProperty compute,
                      ComputedObjects objects);
    /// A computed property has another value now.
    void touch(const MoRef& object, PropertyIndex property);
    void destroy(const MoRef& object);

    /// Puts a reference into an array of references, which is kept in the order of the ids ("vm-9"
    /// before "vm-10"). No change if it is there already.
    void add_reference(const MoRef& object, PropertyIndex property, const MoRef& reference);
    void remove_reference(const MoRef& object, PropertyIndex property, const MoRef& reference);

    /// As the transaction has it: with its own changes.
    bool exists(const MoRef& object) const;
    const Value& get(const MoRef& object, PropertyIndex property) const;

    /// Applies everything and tells the observers. Equal values are no change. The transaction is
    /// over afterwards. Returns what the observers saw.
    Delta commit();

private:
    struct Staged {
        ManagedObject* object = nullptr;         // there before
        std::shared_ptr<ManagedObject> created;  // made here (after `object` was destroyed)
        bool destroyed = false;                  // `object` goes
        std::unordered_map<PropertyIndex, Value> values;
        ManagedObject::Computed computed;
        std::vector<PropertyIndex> touched;
        std::size_t order = 0;
    };

    Staged& stage(std::string_view id);
    Staged& stage_living(const MoRef& object, PropertyIndex property);
    const Staged* staged(std::string_view id) const;
    void apply(Staged& staged, Delta& delta);
    void apply_values(Staged& staged, Delta& delta);

    Inventory& inventory_;
    std::unordered_map<std::string, Staged> staged_;
    bool open_ = true;
};

/// The order of reference lists: shorter ids first, then by characters.
bool reference_less(std::string_view left_id, std::string_view right_id);

}  // namespace drover::model
