#include "center/mirror/apply_change.hpp"

#include <algorithm>

#include "model/property_path.hpp"

namespace drover::center {

using vim::PropertyChangeOp;
using vim::TypeId;
using vim::Value;
using vim::ValueKind;

namespace {

bool removes(PropertyChangeOp op) {
    return op == PropertyChangeOp::remove || op == PropertyChangeOp::indirectRemove;
}

// Up to and with the bracket that ends a key; quotes may hold brackets, and escaped quotes.
std::size_t end_of_key(std::string_view text) {
    bool quoted = false;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (quoted && text[i] == '\\') {
            ++i;
        } else if (text[i] == '"') {
            quoted = !quoted;
        } else if (!quoted && text[i] == ']') {
            return i;
        }
    }
    return std::string_view::npos;
}

bool element_fits(TypeId declared, const Value& value) {
    switch (vim::describe(declared).kind) {
        case vim::TypeKind::managed:
            return value.kind() == ValueKind::moref;
        case vim::TypeKind::data:
        case vim::TypeKind::request:
            return value.kind() == ValueKind::object && vim::is_a(value.type(), declared);
        case vim::TypeKind::enumeration:
            return value.type() == declared;
        case vim::TypeKind::primitive:
            return value.is_set() && (declared == TypeId::anyType || value.type() == declared);
    }
    return false;
}

// An array as it is declared, whatever the wire called its elements; unset if they don't fit.
Value array_of(TypeId declared, const Value& value) {
    if (value.kind() != ValueKind::array) return {};
    const auto elements = value.elements();
    const bool fits = std::ranges::all_of(
        elements, [declared](const Value& each) { return element_fits(declared, each); });
    if (!fits) return {};
    if (value.type() == declared) return value;
    return Value::array(declared, {elements.begin(), elements.end()});
}

class Change {
public:
    Change(PropertyChangeOp op, const Value& changed) : op_(op), changed_(changed) {}

    // NOLINTNEXTLINE(misc-no-recursion): as deep as the path, which the sender's schema bounds
    Value in_property(const Value& value, const vim::PropertyDescriptor& property,
                      std::string_view rest) const {
        if (rest.empty()) {
            if (removes(op_) || !changed_) return {};
            if (property.array()) {
                Value array = array_of(property.type(), changed_);
                return array ? array : value;
            }
            return element_fits(property.type(), changed_) ? changed_ : value;
        }
        if (rest.front() != '[') return in_object(value, rest);
        return property.array() ? in_array(value, property.type(), rest) : value;
    }

private:
    // NOLINTNEXTLINE(misc-no-recursion)
    Value in_object(const Value& object, std::string_view rest) const {
        if (rest.empty() || rest.front() != '.' || object.kind() != ValueKind::object) {
            return object;
        }
        rest.remove_prefix(1);
        const std::size_t end = std::min(rest.find_first_of(".["), rest.size());
        const auto& descriptor = vim::describe(object.type());
        const auto index = descriptor.find_property(rest.substr(0, end));
        if (!index) return object;
        Value made = object;
        made.set_slot(*index, in_property(object.slots()[*index], descriptor.properties()[*index],
                                          rest.substr(end)));
        return made;
    }

    // NOLINTNEXTLINE(misc-no-recursion)
    Value in_array(const Value& array, TypeId declared, std::string_view rest) const {
        const std::size_t end = end_of_key(rest);
        if (end == std::string_view::npos) return array;
        const std::string_view key = rest.substr(1, end - 1);
        rest.remove_prefix(end + 1);
        const bool is_element = rest.empty();
        if (is_element && !removes(op_) && !element_fits(declared, changed_)) return array;
        std::vector<Value> elements;
        if (array.kind() == ValueKind::array) {
            elements.assign(array.elements().begin(), array.elements().end());
        }
        const auto found = std::ranges::find_if(
            elements, [key](const Value& each) { return model::element_key(each) == key; });
        if (found == elements.end()) {
            if (!is_element || removes(op_)) return array;
            elements.push_back(changed_);
        } else if (!is_element) {
            *found = in_object(*found, rest);
        } else if (removes(op_)) {
            elements.erase(found);
        } else {
            *found = changed_;
        }
        return Value::array(declared, std::move(elements));
    }

    PropertyChangeOp op_;
    const Value& changed_;
};

}  // namespace

Value apply_change(const Value& value, const vim::PropertyDescriptor& property,
                   std::string_view rest, PropertyChangeOp op, const Value& changed) {
    return Change(op, changed).in_property(value, property, rest);
}

}  // namespace drover::center
