#include "model/inventory.hpp"

#include <algorithm>

#include "base/check.hpp"
#include "model/visible_references.hpp"
#include "vim/fault.hpp"

namespace drover::model {
namespace {

using vim::PropertyDescriptor;
using vim::TypeKind;
using vim::ValueKind;

bool element_fits(TypeId type, const Value& value) {
    switch (vim::describe(type).kind) {
        case TypeKind::managed:
            return value.kind() == ValueKind::moref;
        case TypeKind::data:
            return value.kind() == ValueKind::object && vim::is_a(value.type(), type);
        case TypeKind::enumeration:
            return value.kind() == ValueKind::enumeration && value.type() == type;
        default:
            return type == TypeId::anyType || value.type() == type ||
                   value.kind() == ValueKind::string;
    }
}

// Whether the value is of the declared type, its elements aside: a guard against mistakes in our
// own code, which would otherwise surface far away, in an encoder.
bool fits(const PropertyDescriptor& property, const Value& value) {
    if (!value) return true;
    if (property.array()) return value.kind() == ValueKind::array;
    return element_fits(property.type(), value);
}

bool has(const std::vector<PropertyIndex>& list, PropertyIndex property) {
    return std::ranges::find(list, property) != list.end();
}

const Value kUnset{};

// Where a reference stands in a list, or belongs.
std::size_t place_in(std::span<const Value> list, std::string_view id) {
    const auto at = std::ranges::lower_bound(list, id, reference_less,
                                             [](const Value& each) { return each.moref_id(); });
    return static_cast<std::size_t>(at - list.begin());
}

// What the properties of a new object of a type are. Lists are empty, as those of real servers are:
// clients walk customValue, tag or permission without asking whether there is one.
const std::vector<Value>& initial_values(TypeId type) {
    thread_local std::unordered_map<TypeId, std::vector<Value>> made;
    const auto [found, is_new] = made.try_emplace(type);
    if (!is_new) return found->second;
    for (const PropertyDescriptor& property : vim::describe(type).properties()) {
        found->second.push_back(property.array() ? Value::array(property.type(), {}) : Value{});
    }
    return found->second;
}

}  // namespace

std::string_view owning_session(std::string_view object_id) {
    constexpr std::string_view prefix = "session[";
    if (!object_id.starts_with(prefix)) return {};
    const auto end = object_id.find(']');
    if (end == std::string_view::npos) return {};
    return object_id.substr(prefix.size(), end - prefix.size());
}

bool is_visible(const ManagedObject& object, const Reader& reader) {
    const auto owner = object.owner();
    return owner.empty() ? reader.may_view(object) : owner == reader.session_key();
}

bool reference_less(std::string_view left_id, std::string_view right_id) {
    if (left_id.size() != right_id.size()) return left_id.size() < right_id.size();
    return left_id < right_id;
}

ManagedObject::ManagedObject(MoRef ref, std::uint64_t generation)
    : ref_(std::move(ref)),
      reference_(Value::moref(ref_)),
      owner_(owning_session(ref_.id)),
      generation_(generation) {
    const auto& descriptor = vim::describe(ref_.type);
    DROVER_CHECK(descriptor.kind == TypeKind::managed);
    count_ = static_cast<std::uint16_t>(descriptor.properties().size());
    values_ = std::make_unique<Value[]>(count_);
    std::ranges::copy(initial_values(ref_.type), values_.get());
}

const Value& ManagedObject::property(PropertyIndex index) const {
    DROVER_CHECK(index < count_);
    return values_[index];
}

Value ManagedObject::read(PropertyIndex index, const Reader& reader) const {
    DROVER_CHECK(index < count_);
    if (computed_) {
        if (const auto found = computed_->find(index); found != computed_->end()) {
            return as_seen(found->second.value(reader), reader);
        }
    }
    return as_seen(values_[index], reader);
}

const std::vector<const ManagedObject*>* ManagedObject::objects(PropertyIndex index,
                                                                const Reader& reader) const {
    if (!computed_) return nullptr;
    const auto found = computed_->find(index);
    if (found == computed_->end() || !found->second.objects) return nullptr;
    return &found->second.objects(reader);
}

bool ManagedObject::is_computed(PropertyIndex index) const {
    return computed_ && computed_->contains(index);
}

Inventory::Inventory() = default;
Inventory::~Inventory() = default;

const ManagedObject* Inventory::find(const MoRef& ref) const {
    const ManagedObject* object = find(std::string_view(ref.id));
    if (!object || (ref.type != TypeId::none && !vim::is_a(object->type(), ref.type))) {
        return nullptr;
    }
    return object;
}

const ManagedObject* Inventory::find(std::string_view id) const {
    const auto found = objects_.find(id);
    return found == objects_.end() ? nullptr : found->second.get();
}

const ManagedObject& Inventory::get(const MoRef& ref) const {
    const ManagedObject* object = find(ref);
    if (!object) throw vim::object_not_found(ref);
    return *object;
}

void Inventory::for_each(const std::function<void(const ManagedObject&)>& visit) const {
    for (const auto& [id, object] : objects_) visit(*object);
}

Subscription Inventory::observe(Observer observer) {
    auto slot = std::make_shared<Observer>(std::move(observer));
    observers_.push_back(slot);
    return Subscription(std::move(slot));
}

Subscription Inventory::derive(Deriver deriver) {
    auto slot = std::make_shared<Deriver>(std::move(deriver));
    derivers_.push_back(slot);
    return Subscription(std::move(slot));
}

void Inventory::publish(Delta& delta) {
    publishing_ = true;
    const Touch touch = [&](const MoRef& ref, PropertyIndex property) {
        const ManagedObject* object = find(ref);
        DROVER_CHECK(object && object->is_computed(property));
        delta.changes.push_back({object, property, true, {}, {}});
    };
    // By index: a consumer may subscribe others while it is being told.
    for (std::size_t i = 0; i < derivers_.size(); ++i) {
        if (const auto deriver = derivers_[i].lock()) (*deriver)(delta, touch);
    }
    for (std::size_t i = 0; i < observers_.size(); ++i) {
        if (const auto observer = observers_[i].lock()) (*observer)(delta);
    }
    std::erase_if(derivers_, [](const auto& slot) { return slot.expired(); });
    std::erase_if(observers_, [](const auto& slot) { return slot.expired(); });
    publishing_ = false;
}

Transaction::Transaction(Inventory& inventory) : inventory_(inventory) {
    // Both are programmer's errors: a transaction inside another one, and an observer that writes.
    DROVER_CHECK(!inventory_.writing_);
    DROVER_CHECK(!inventory_.publishing_);
    inventory_.writing_ = true;
}

Transaction::~Transaction() {
    if (open_) inventory_.writing_ = false;
}

Transaction::Staged& Transaction::stage(std::string_view id) {
    DROVER_CHECK(open_);
    const auto [found, is_new] = staged_.try_emplace(std::string(id));
    if (is_new) {
        const auto object = inventory_.objects_.find(id);
        if (object != inventory_.objects_.end()) found->second.object = object->second.get();
        found->second.order = staged_.size();
    }
    return found->second;
}

Transaction::Staged& Transaction::stage_living(const MoRef& object, PropertyIndex property) {
    Staged& found = stage(object.id);
    const ManagedObject* living =
        found.created ? found.created.get() : (found.destroyed ? nullptr : found.object);
    DROVER_CHECK(living && property < living->property_count());
    return found;
}

const Transaction::Staged* Transaction::staged(std::string_view id) const {
    const auto found = staged_.find(std::string(id));
    return found == staged_.end() ? nullptr : &found->second;
}

MoRef Transaction::create(TypeId type, std::string id) {
    DROVER_CHECK(!id.empty());
    Staged& found = stage(id);
    DROVER_CHECK(!found.created && (!found.object || found.destroyed));
    MoRef ref{type, std::move(id)};
    found.created.reset(new ManagedObject(ref, inventory_.next_generation_++));
    return ref;
}

void Transaction::set(const MoRef& object, PropertyIndex property, Value value) {
    Staged& found = stage_living(object, property);
    const TypeId type = found.created ? found.created->type() : found.object->type();
    DROVER_CHECK(fits(vim::describe(type).properties()[property], value));
    found.computed.erase(property);
    found.values.insert_or_assign(property, std::move(value));
}

void Transaction::set_computed(const MoRef& object, PropertyIndex property,
                               ComputedProperty compute) {
    set_computed(object, property, std::move(compute), nullptr);
}

void Transaction::set_computed(const MoRef& object, PropertyIndex property,
                               ComputedProperty compute, ComputedObjects objects) {
    DROVER_CHECK(compute);
    Staged& found = stage_living(object, property);
    found.values.erase(property);
    found.computed.insert_or_assign(property,
                                    ManagedObject::Compute{std::move(compute), std::move(objects)});
}

void Transaction::touch(const MoRef& object, PropertyIndex property) {
    Staged& found = stage_living(object, property);
    if (!has(found.touched, property)) found.touched.push_back(property);
}

void Transaction::destroy(const MoRef& object) {
    DROVER_CHECK(exists(object));  // some types have no properties at all
    Staged& found = stage(object.id);
    found.created.reset();
    found.destroyed = found.object != nullptr;
    found.values.clear();
    found.computed.clear();
    found.touched.clear();
}

bool Transaction::exists(const MoRef& object) const {
    if (const Staged* found = staged(object.id)) {
        return found->created || (found->object && !found->destroyed);
    }
    return inventory_.find(object) != nullptr;
}

const Value& Transaction::get(const MoRef& object, PropertyIndex property) const {
    if (const Staged* found = staged(object.id)) {
        const auto value = found->values.find(property);
        if (value != found->values.end()) return value->second;
        if (found->created) return kUnset;
        DROVER_CHECK(!found->destroyed);
    }
    const ManagedObject* living = inventory_.find(object);
    DROVER_CHECK(living);
    return living->property(property);
}

void Transaction::add_reference(const MoRef& object, PropertyIndex property,
                                const MoRef& reference) {
    const Value& current = get(object, property);
    const auto old = current ? current.elements() : std::span<const Value>{};
    const std::size_t at = place_in(old, reference.id);
    if (at < old.size() && old[at].moref_id() == reference.id) return;
    if (current && at == old.size()) {  // new ids are mostly the largest
        set(object, property, Value::appended(current, Value::moref(reference)));
        return;
    }
    const auto split = old.begin() + static_cast<std::ptrdiff_t>(at);
    std::vector<Value> changed;
    changed.reserve(old.size() + 1);
    changed.insert(changed.end(), old.begin(), split);
    changed.push_back(Value::moref(reference));
    changed.insert(changed.end(), split, old.end());
    const TypeId element = vim::describe(object.type).properties()[property].type();
    set(object, property, Value::array(element, std::move(changed)));
}

void Transaction::remove_reference(const MoRef& object, PropertyIndex property,
                                   const MoRef& reference) {
    const Value& current = get(object, property);
    if (!current) return;
    const auto old = current.elements();
    const auto names_it = [&](const Value& each) { return each.moref_id() == reference.id; };
    auto at = old.begin() + static_cast<std::ptrdiff_t>(place_in(old, reference.id));
    // A list that was set as a whole may be in another order.
    if (at == old.end() || !names_it(*at)) at = std::ranges::find_if(old, names_it);
    if (at == old.end()) return;
    std::vector<Value> changed;
    changed.reserve(old.size() - 1);
    changed.insert(changed.end(), old.begin(), at);
    changed.insert(changed.end(), at + 1, old.end());
    set(object, property, Value::array(current.type(), std::move(changed)));
}

void Transaction::apply_values(Staged& staged, Delta& delta) {
    ManagedObject& object = staged.created ? *staged.created : *staged.object;
    const bool is_new = staged.created != nullptr;
    for (auto& [property, compute] : staged.computed) {
        if (!object.computed_) object.computed_ = std::make_unique<ManagedObject::Computed>();
        object.computed_->insert_or_assign(property, std::move(compute));
        object.values_[property] = Value{};
        if (!has(staged.touched, property)) staged.touched.push_back(property);
    }
    for (auto& [property, value] : staged.values) {
        const bool was_computed = object.computed_ && object.computed_->erase(property) > 0;
        Value& slot = object.values_[property];
        if (!was_computed && slot == value) continue;
        slot.swap(value);  // `value` is the old one now
        if (!is_new) {
            delta.changes.push_back(
                {&object, property, was_computed, std::move(value), was_computed ? Value{} : slot});
        }
    }
    for (const PropertyIndex property : staged.touched) {
        if (!is_new && object.is_computed(property)) {
            delta.changes.push_back({&object, property, true, {}, {}});
        }
    }
}

void Transaction::apply(Staged& staged, Delta& delta) {
    auto& objects = inventory_.objects_;
    if (staged.destroyed) {
        const auto found = objects.find(staged.object->id());
        delta.destroyed.push_back(std::move(found->second));
        objects.erase(found);
        staged.object = nullptr;
    }
    if (staged.created || staged.object) apply_values(staged, delta);
    if (staged.created) {
        delta.created.push_back(staged.created.get());
        objects.emplace(staged.created->id(), std::move(staged.created));
    }
}

Delta Transaction::commit() {
    DROVER_CHECK(open_);
    open_ = false;
    inventory_.writing_ = false;
    std::vector<Staged*> in_order;
    in_order.reserve(staged_.size());
    for (auto& [id, staged] : staged_) in_order.push_back(&staged);
    std::ranges::sort(in_order, {}, &Staged::order);

    Delta delta{};
    for (Staged* staged : in_order) apply(*staged, delta);
    if (delta.empty()) {
        delta.number = inventory_.last_delta_;
        return delta;
    }
    delta.number = ++inventory_.last_delta_;
    inventory_.publish(delta);
    return delta;
}

}  // namespace drover::model
