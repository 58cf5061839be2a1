#pragma once

// Values of the interface: what properties hold, what methods take and give.
//
// A Value is 16 bytes: a tag and either a number or a counted reference to immutable content.
// Copies are cheap, may be kept and read on any thread, and never change: whoever wants another
// value makes a new one (DataHandle and ObjectBuilder copy on write). That is what lets the
// inventory hand out its properties to encoders on other threads without a lock.

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.hpp"
#include "base/clock.hpp"
#include "vim/schema.hpp"

namespace drover::vim {

class Value;

/// Reference to a managed object: its type and its id, which is unique over all types of a server.
struct MoRef {
    TypeId type = TypeId::none;
    std::string id;

    explicit operator bool() const { return !id.empty(); }
    friend bool operator==(const MoRef&, const MoRef&) = default;
};

namespace detail {

/// Content shared between values. Counted by atomic increments; immutable once shared.
struct Shared {
    explicit Shared(std::uint8_t destructor_tag) : tag(destructor_tag) {}
    mutable std::uint32_t references = 1;
    std::uint8_t tag;
};
void retain(const Shared* shared) noexcept;
void release(const Shared* shared) noexcept;
bool is_unique(const Shared* shared) noexcept;

// The characters stand right behind the header, so a string is one allocation.
struct alignas(8) SharedString : Shared {
    SharedString(std::uint8_t destructor_tag, std::size_t length)
        : Shared(destructor_tag), size(length) {}
    std::size_t size;
    const char* text() const { return reinterpret_cast<const char*>(this + 1); }
    char* text() { return reinterpret_cast<char*>(this + 1); }
};

// So do the slots of an object.
struct alignas(8) SharedObject : Shared {
    SharedObject(std::uint8_t destructor_tag, TypeId object_type, std::uint16_t slot_count)
        : Shared(destructor_tag), type(object_type), count(slot_count) {}
    TypeId type;
    std::uint16_t count;
    const Value* slots() const { return reinterpret_cast<const Value*>(this + 1); }
    Value* slots() { return reinterpret_cast<Value*>(this + 1); }
};

struct SharedArray : Shared {
    SharedArray(std::uint8_t destructor_tag, TypeId element_type)
        : Shared(destructor_tag), element(element_type) {}
    TypeId element;
    std::span<const Value> elements;
};

struct Buffer;

}  // namespace detail

/// What a Value holds.
enum class ValueKind : std::uint8_t {
    none,  ///< unset
    boolean,
    byte_,
    short_,
    int_,
    long_,
    float_,
    double_,
    string,
    date_time,
    binary,
    enumeration,
    moref,
    object,
    array,
};

class Value {
public:
    Value() = default;
    Value(const Value& other) noexcept : header_(other.header_), payload_(other.payload_) {
        if (is_shared()) detail::retain(payload_.shared);
    }
    Value(Value&& other) noexcept
        : header_(std::exchange(other.header_, {})), payload_(std::exchange(other.payload_, {})) {}
    Value& operator=(const Value& other) noexcept {
        Value copy(other);
        swap(copy);
        return *this;
    }
    Value& operator=(Value&& other) noexcept {
        Value moved(std::move(other));
        swap(moved);
        return *this;
    }
    ~Value() {
        if (is_shared()) detail::release(payload_.shared);
    }
    void swap(Value& other) noexcept {
        std::swap(header_, other.header_);
        std::swap(payload_, other.payload_);
    }

    static Value boolean(bool value);
    static Value byte_(std::int8_t value);
    static Value short_(std::int16_t value);
    static Value int_(std::int32_t value);
    static Value long_(std::int64_t value);
    static Value float_(float value);
    static Value double_(double value);
    static Value string(std::string_view text);
    static Value date_time(base::WallTime time);
    static Value binary(std::string_view bytes);
    /// `index` counts the enumeration's values as the schema lists them.
    static Value enumeration(TypeId type, std::uint16_t index);
    static Value moref(const MoRef& reference);
    static Value moref(TypeId type, std::string_view id);
    /// `element` is a primitive, an enumeration, a data object or managed object type (then the
    /// elements are references), or anyType. Every element must fit; that is checked by the codecs.
    static Value array(TypeId element, std::vector<Value> elements);
    /// The array with one more element at its end. Takes constant time (amortised) where `array` is
    /// the longest that was made so: both then share what they have in common.
    static Value appended(const Value& array, Value element);

    ValueKind kind() const { return header_.kind; }
    bool is_set() const { return header_.kind != ValueKind::none; }
    explicit operator bool() const { return is_set(); }

    /// The schema's type: a primitive, the enumeration, ManagedObjectReference for references, the
    /// data object's most derived type, or the element type of an array. TypeId::none when unset.
    TypeId type() const;

    // Each getter demands its own kind; asking the wrong one is a programmer's error and aborts.
    bool as_boolean() const {
        DROVER_CHECK(kind() == ValueKind::boolean);
        return payload_.integer != 0;
    }
    /// byte, short, int, long and the index of an enumeration.
    std::int64_t as_integer() const;
    /// float and double.
    double as_double() const;
    /// string and binary; for an enumeration its value's name. The view lives as long as the Value.
    std::string_view as_string() const {
        if (kind() == ValueKind::enumeration) return enumeration_name();
        DROVER_CHECK(kind() == ValueKind::string || kind() == ValueKind::binary);
        return text();
    }
    base::WallTime as_time() const;
    TypeId moref_type() const {
        DROVER_CHECK(kind() == ValueKind::moref);
        return header_.type;
    }
    std::string_view moref_id() const {
        DROVER_CHECK(kind() == ValueKind::moref);
        return text();
    }
    MoRef as_moref() const;
    std::span<const Value> elements() const {
        DROVER_CHECK(kind() == ValueKind::array);
        return static_cast<const detail::SharedArray*>(payload_.shared)->elements;
    }
    /// The slots of a data object: one for each of describe(type()).properties(), unset ones
    /// included.
    std::span<const Value> slots() const {
        DROVER_CHECK(kind() == ValueKind::object);
        const auto* object = static_cast<const detail::SharedObject*>(payload_.shared);
        return {object->slots(), object->count};
    }

    /// The property of a data object; unset if it is unset or the object has none of this name.
    const Value& property(std::string_view name) const;

    /// True if both hold the very same shared content; a cheap hint, not equality.
    bool same_content(const Value& other) const {
        return is_shared() && other.is_shared() && payload_.shared == other.payload_.shared;
    }

    /// A hint that the content will be read soon. Whoever goes through thousands of values, which
    /// lie anywhere in memory, gives it some values ahead.
    void prefetch() const {
        if (is_shared()) __builtin_prefetch(payload_.shared);
    }

    /// Deep equality. An unset array and an empty one differ.
    friend bool operator==(const Value& left, const Value& right);

    /// Changes a slot of a data object, first copying the object if somebody else shares it.
    void set_slot(std::size_t index, Value value);

private:
    friend Value make_object(TypeId type);

    struct Header {
        ValueKind kind = ValueKind::none;
        TypeId type = TypeId::none;  // enumeration, moref
        std::uint16_t index = 0;     // enumeration
    };
    union Payload {
        std::int64_t integer = 0;
        double real;
        const detail::Shared* shared;
    };

    bool is_shared() const {
        return header_.kind >= ValueKind::string && header_.kind != ValueKind::date_time &&
               header_.kind != ValueKind::enumeration;
    }
    static Value make_shared(ValueKind kind, const detail::Shared* shared);
    static Value make_growing(TypeId element, std::shared_ptr<detail::Buffer> buffer,
                              std::size_t count);
    static Value make_text(ValueKind kind, std::string_view text);
    std::string_view text() const {
        const auto* shared = static_cast<const detail::SharedString*>(payload_.shared);
        return {shared->text(), shared->size};
    }
    std::string_view enumeration_name() const;

    Header header_;
    Payload payload_;
};

/// A data object (or request) of a type with every property unset.
Value make_object(TypeId type);

/// An indented dump for tests and debugging; secrets are shown as "***".
std::string to_debug_string(const Value& value);

}  // namespace drover::vim
