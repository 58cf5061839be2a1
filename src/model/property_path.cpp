#include "model/property_path.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/check.hpp"
#include "vim/fault.hpp"

namespace drover::model {
namespace {

using vim::PropertyDescriptor;
using vim::TypeKind;
using vim::ValueKind;

// A property that only subtypes have may be declared by several of them, so what follows may be of
// several types. More than this many is no path that anybody wants.
constexpr std::size_t kMaxCandidates = 32;

bool is_name_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_name_part(char c) {
    return is_name_start(c) || (c >= '0' && c <= '9');
}

// The key of an element as plain text: digits, or the string itself.
std::optional<std::string> plain_key(const Value& key) {
    switch (key.kind()) {
        case ValueKind::byte_:
        case ValueKind::short_:
        case ValueKind::int_:
        case ValueKind::long_:
            return fmt::format("{}", key.as_integer());
        case ValueKind::string:
        case ValueKind::enumeration:
            return std::string(key.as_string());
        case ValueKind::moref:
            return std::string(key.moref_id());
        default:
            return std::nullopt;
    }
}

bool has_plain_key(const Value& element, std::string_view wanted) {
    const Value* key = &element;
    if (element.kind() == ValueKind::object) {
        const auto index = key_property(element.type());
        if (!index) return false;
        key = &element.slots()[*index];
    } else if (element.kind() != ValueKind::moref) {
        return false;
    }
    if (key->kind() == ValueKind::moref) return key->moref_id() == wanted;
    if (key->kind() == ValueKind::string) return key->as_string() == wanted;
    return plain_key(*key) == wanted;
}

const Value* find_element(const Value& array, std::string_view key) {
    if (array.kind() != ValueKind::array) return nullptr;
    const auto elements = array.elements();
    const auto at =
        std::ranges::find_if(elements, [&](const Value& each) { return has_plain_key(each, key); });
    return at == elements.end() ? nullptr : &*at;
}

bool may_hold_reference(TypeId type) {
    return type == TypeId::anyType || vim::describe(type).kind == TypeKind::managed;
}

}  // namespace

// Reads a path from left to right and keeps the types that the part read so far may have.
class PropertyPath::Parser {
public:
    Parser(std::string_view text, Release release) : text_(text), release_(release) {}

    PropertyPath parse(TypeId type) {
        if (text_.empty() || text_.size() > kMaxPathLength) fail();
        PropertyPath path;
        path.text_ = text_;
        const std::string_view root = read_name();
        const auto index = vim::describe(type).find_property(root);
        if (!index) fail();
        path.root_ = *index;
        enter(vim::describe(type).properties()[*index]);
        if (candidates_.empty()) fail();
        path.since_ = since_;
        path.root_key_ = read_key();
        while (at_ < text_.size()) {
            if (text_[at_++] != '.' || path.steps_.size() >= kMaxPathSteps) fail();
            // Without a key there is no telling which element of an array is meant.
            if (in_array_) fail();
            Step step;
            step.name = read_name();
            step.index_hint = step_into(step.name);
            path.since_ = std::max(path.since_, since_);
            step.key = read_key();
            path.steps_.push_back(std::move(step));
        }
        path.may_hold_references_ = std::ranges::any_of(candidates_, may_hold_reference);
        return path;
    }

private:
    [[noreturn]] void fail() const { throw vim::invalid_property(text_.substr(0, kMaxPathLength)); }

    std::string_view read_name() {
        const std::size_t start = at_;
        if (at_ >= text_.size() || !is_name_start(text_[at_])) fail();
        while (at_ < text_.size() && is_name_part(text_[at_])) ++at_;
        return text_.substr(start, at_ - start);
    }

    // `[4000]` or `["text"]`, in which a backslash stands before a quote or a backslash.
    std::optional<std::string> read_key() {
        if (at_ >= text_.size() || text_[at_] != '[') return std::nullopt;
        ++at_;
        if (!in_array_ || !std::ranges::any_of(candidates_, has_keys)) fail();
        in_array_ = false;
        std::string key;
        if (at_ < text_.size() && text_[at_] == '"') {
            ++at_;
            while (at_ < text_.size() && text_[at_] != '"') {
                if (text_[at_] == '\\' && ++at_ >= text_.size()) fail();
                key += text_[at_++];
            }
            ++at_;
        } else {
            while (at_ < text_.size() && text_[at_] != ']') key += text_[at_++];
            if (key.empty()) fail();
        }
        if (at_ >= text_.size() || text_[at_++] != ']') fail();
        return key;
    }

    static bool has_keys(TypeId element) {
        const TypeKind kind = vim::describe(element).kind;
        return kind == TypeKind::managed ||
               (kind == TypeKind::data && key_property(element).has_value());
    }

    void enter(const PropertyDescriptor& property) {
        if (property.since() > release_) return;
        since_ = candidates_.empty() ? property.since() : std::min(since_, property.since());
        in_array_ = property.array();
        if (std::ranges::find(candidates_, property.type()) == candidates_.end()) {
            candidates_.push_back(property.type());
        }
    }

    // Replaces the candidates by the types of their property `name`; gives the index that it has
    // in the first of them.
    PropertyIndex step_into(std::string_view name) {
        const auto before = std::exchange(candidates_, {});
        std::optional<PropertyIndex> hint;
        for (const TypeId type : before) {
            const auto& descriptor = vim::describe(type);
            if (descriptor.kind != TypeKind::data) continue;
            if (const auto index = descriptor.find_property(name)) {
                if (!hint) hint = index;
                enter(descriptor.properties()[*index]);
            } else {
                step_into_subtypes(type, name, hint);
            }
        }
        if (candidates_.empty() || candidates_.size() > kMaxCandidates) fail();
        return *hint;
    }

    void step_into_subtypes(TypeId type, std::string_view name,
                            std::optional<PropertyIndex>& hint) {
        for (const auto& descriptor : vim::all_types()) {
            if (descriptor.kind != TypeKind::data || descriptor.since() > release_) continue;
            const auto id =
                TypeId{static_cast<std::uint16_t>(&descriptor - vim::all_types().data())};
            if (!vim::is_a(id, type)) continue;
            const auto index = descriptor.find_property(name);
            if (!index) continue;
            if (!hint) hint = index;
            enter(descriptor.properties()[*index]);
        }
    }

    std::string_view text_;
    Release release_;
    std::size_t at_ = 0;
    std::vector<TypeId> candidates_;
    Release since_ = Release::oldest;  // of the last step: the first that knows any candidate
    bool in_array_ = false;
};

PropertyPath PropertyPath::parse(TypeId type, std::string_view text, Release release) {
    DROVER_CHECK(vim::describe(type).kind == TypeKind::managed);
    return Parser(text, release).parse(type);
}

PropertyPath PropertyPath::of_property(TypeId type, PropertyIndex index) {
    const auto properties = vim::describe(type).properties();
    DROVER_CHECK(index < properties.size());
    PropertyPath path;
    path.text_ = properties[index].name();
    path.root_ = index;
    path.since_ = properties[index].since();
    path.may_hold_references_ = may_hold_reference(properties[index].type());
    return path;
}

const Value* PropertyPath::walk(const Value& root_value) const {
    const Value* at = &root_value;
    if (root_key_) at = find_element(*at, *root_key_);
    for (const Step& step : steps_) {
        if (!at || at->kind() != ValueKind::object) return nullptr;
        const auto& descriptor = vim::describe(at->type());
        const auto properties = descriptor.properties();
        std::optional<PropertyIndex> index = step.index_hint;
        if (*index >= properties.size() || properties[*index].name() != step.name) {
            index = descriptor.find_property(step.name);
        }
        if (!index) return nullptr;
        at = &at->slots()[*index];
        if (step.key) at = find_element(*at, *step.key);
    }
    return at;
}

Value PropertyPath::evaluate(const Value& root_value) const {
    if (is_root()) return root_value;
    const Value* found = walk(root_value);
    return found ? *found : Value{};
}

Value PropertyPath::evaluate(const ManagedObject& object, const Reader& reader) const {
    return evaluate(object.read(root_, reader));
}

bool PropertyPath::ends_at_element() const {
    return steps_.empty() ? root_key_.has_value() : steps_.back().key.has_value();
}

bool PropertyPath::has_container(const Value& root_value) const {
    if (is_root()) return true;
    PropertyPath container = *this;
    if (ends_at_element()) {
        if (steps_.empty()) return root_value.kind() == ValueKind::array;
        container.steps_.back().key.reset();
    } else {
        container.steps_.pop_back();
    }
    const Value* found = container.walk(root_value);
    return found && found->is_set();
}

std::optional<std::uint16_t> key_property(TypeId element) {
    const auto& descriptor = vim::describe(element);
    if (descriptor.kind != TypeKind::data) return std::nullopt;
    const auto index = descriptor.find_property("key");
    if (!index) return std::nullopt;
    const PropertyDescriptor& key = descriptor.properties()[*index];
    if (key.array()) return std::nullopt;
    switch (vim::describe(key.type()).kind) {
        case TypeKind::enumeration:
        case TypeKind::managed:
            return index;
        case TypeKind::primitive:
            return key.type() == TypeId::string || key.type() == TypeId::int_ ||
                           key.type() == TypeId::long_ || key.type() == TypeId::short_
                       ? index
                       : std::nullopt;
        default:
            return std::nullopt;
    }
}

std::optional<std::string> element_key(const Value& element) {
    const Value* key = &element;
    if (element.kind() == ValueKind::object) {
        const auto index = key_property(element.type());
        if (!index) return std::nullopt;
        key = &element.slots()[*index];
    } else if (element.kind() != ValueKind::moref) {
        return std::nullopt;
    }
    auto plain = plain_key(*key);
    if (!plain) return std::nullopt;
    if (key->kind() >= ValueKind::byte_ && key->kind() <= ValueKind::long_) return plain;
    std::string quoted = "\"";
    for (const char c : *plain) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + '"';
}

}  // namespace drover::model
