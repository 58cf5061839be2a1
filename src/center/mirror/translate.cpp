#include "center/mirror/translate.hpp"

#include <vector>

namespace drover::center {

using vim::TypeId;
using vim::TypeKind;
using vim::Value;
using vim::ValueKind;

namespace {

TypeId id_of(const vim::TypeDescriptor& descriptor) {
    return TypeId{static_cast<std::uint16_t>(&descriptor - vim::all_types().data())};
}

/// For each type: whether a value of just this type may hold a reference, and whether one of this
/// type or a subtype may. Made once, from the tables.
class Holders {
public:
    Holders() : exact_(vim::all_types().size()), any_(vim::all_types().size()) {
        for (const auto& type : vim::all_types()) {
            if (type.kind == TypeKind::managed) any_[index(id_of(type))] = true;
        }
        any_[index(TypeId::anyType)] = true;
        // Types refer to each other in circles: until nothing changes any more.
        for (bool changed = true; changed;) {
            changed = false;
            for (const auto& type : vim::all_types()) changed = settle(type) || changed;
        }
    }

    bool exact(TypeId type) const { return exact_[index(type)]; }
    bool any(TypeId type) const { return any_[index(type)]; }

private:
    static std::size_t index(TypeId type) { return static_cast<std::size_t>(type); }

    bool settle(const vim::TypeDescriptor& type) {
        if (type.kind != TypeKind::data && type.kind != TypeKind::request) return false;
        const TypeId self = id_of(type);
        if (exact_[index(self)]) return false;
        for (const auto& property : type.properties()) {
            if (!any_[index(property.type())]) continue;
            exact_[index(self)] = true;
            for (TypeId each = self; each != TypeId::none; each = vim::describe(each).base) {
                any_[index(each)] = true;
            }
            return true;
        }
        return false;
    }

    std::vector<bool> exact_;
    std::vector<bool> any_;
};

const Holders& holders() {
    static const Holders made;
    return made;
}

// Equal in kind and content of the node itself; its parts were compared before.
bool is_same(const Value& before, const Value& after) {
    if (before.kind() != after.kind()) return false;
    if (before.kind() == ValueKind::moref) {
        return before.moref_type() == after.moref_type() && before.moref_id() == after.moref_id();
    }
    return !before.is_set() || before.same_content(after);
}

class Translation {
public:
    explicit Translation(const ReferenceMap& references) : references_(references) {}

    Value visit(const Value& value) const {
        switch (value.kind()) {
            case ValueKind::moref:
                return references_.map(value);
            case ValueKind::object:
                return visit_object(value);
            case ValueKind::array:
                return visit_array(value);
            default:
                return value;
        }
    }

private:
    static bool is_leaf(const Value& value) { return value.kind() < ValueKind::moref; }

    Value visit_object(const Value& value) const {
        if (!holders().exact(value.type())) return value;
        Value made = value;
        const auto slots = value.slots();
        for (std::size_t i = 0; i < slots.size(); ++i) {
            if (is_leaf(slots[i])) continue;
            Value changed = visit(slots[i]);
            if (!is_same(slots[i], changed)) made.set_slot(i, std::move(changed));
        }
        return made;
    }

    // Elements are of the array's type or derive from it.
    Value visit_array(const Value& value) const {
        if (!holders().any(value.type())) return value;
        const auto elements = value.elements();
        std::vector<Value> made;
        bool copying = false;
        for (std::size_t i = 0; i < elements.size(); ++i) {
            const bool leaf = is_leaf(elements[i]);
            Value changed = leaf ? elements[i] : visit(elements[i]);
            if (!copying) {
                if (leaf || is_same(elements[i], changed)) continue;
                copying = true;
                made.reserve(elements.size());
                made.assign(elements.begin(), elements.begin() + static_cast<std::ptrdiff_t>(i));
            }
            if (changed.is_set()) made.push_back(std::move(changed));
        }
        return copying ? Value::array(value.type(), std::move(made)) : value;
    }

    const ReferenceMap& references_;
};

}  // namespace

Value translate(const Value& value, const ReferenceMap& references) {
    return Translation(references).visit(value);
}

bool may_hold_references(TypeId type) {
    return holders().any(type);
}

}  // namespace drover::center
