#pragma once

// Typed access to data objects. A handle holds one Value (an object or nothing) and reads and
// writes its slots; the generated classes in vim/types.hpp derive from it along the schema's
// inheritance, so a VirtualDisk passes where a VirtualDevice is wanted. Copying a handle shares the
// object; setting a property on a shared object copies it first. A handle belongs to one thread,
// its Value to any.

#include <iterator>
#include <type_traits>

#include "base/check.hpp"
#include "vim/value.hpp"

namespace drover::vim {

/// Maps a generated enumeration to its type in the tables.
template <class Enum>
struct EnumTraits;

/// The wire name of an enumeration's value.
template <class Enum>
    requires std::is_enum_v<Enum>
std::string_view to_string(Enum value) {
    return describe(EnumTraits<Enum>::kType).value_name(static_cast<std::uint16_t>(value));
}

/// The enumeration's value of this wire name.
template <class Enum>
std::optional<Enum> parse_enum(std::string_view name) {
    const auto index = describe(EnumTraits<Enum>::kType).find_value(name);
    return index ? std::optional<Enum>{static_cast<Enum>(*index)} : std::nullopt;
}

/// Between C++ and Value: one specialisation for each kind of property.
template <class T>
struct Convert {
    static T from(const Value& value) {
        if constexpr (std::is_enum_v<T>) {
            return static_cast<T>(value.as_integer());
        } else {
            return T(value);
        }
    }
    static Value to(const T& value) {
        if constexpr (std::is_enum_v<T>) {
            return Value::enumeration(EnumTraits<T>::kType, static_cast<std::uint16_t>(value));
        } else {
            return value.raw();
        }
    }
};
template <>
struct Convert<Value> {
    static const Value& from(const Value& value) { return value; }
    static const Value& to(const Value& value) { return value; }
};
template <>
struct Convert<bool> {
    static bool from(const Value& value) { return value.as_boolean(); }
    static Value to(bool value) { return Value::boolean(value); }
};
template <>
struct Convert<std::int8_t> {
    static std::int8_t from(const Value& value) {
        return static_cast<std::int8_t>(value.as_integer());
    }
    static Value to(std::int8_t value) { return Value::byte_(value); }
};
template <>
struct Convert<std::int16_t> {
    static std::int16_t from(const Value& value) {
        return static_cast<std::int16_t>(value.as_integer());
    }
    static Value to(std::int16_t value) { return Value::short_(value); }
};
template <>
struct Convert<std::int32_t> {
    static std::int32_t from(const Value& value) {
        return static_cast<std::int32_t>(value.as_integer());
    }
    static Value to(std::int32_t value) { return Value::int_(value); }
};
template <>
struct Convert<std::int64_t> {
    static std::int64_t from(const Value& value) { return value.as_integer(); }
    static Value to(std::int64_t value) { return Value::long_(value); }
};
template <>
struct Convert<float> {
    static float from(const Value& value) { return static_cast<float>(value.as_double()); }
    static Value to(float value) { return Value::float_(value); }
};
template <>
struct Convert<double> {
    static double from(const Value& value) { return value.as_double(); }
    static Value to(double value) { return Value::double_(value); }
};
template <>
struct Convert<std::string_view> {
    static std::string_view from(const Value& value) { return value.as_string(); }
    static Value to(std::string_view value) { return Value::string(value); }
};
template <>
struct Convert<base::WallTime> {
    static base::WallTime from(const Value& value) { return value.as_time(); }
    static Value to(base::WallTime value) { return Value::date_time(value); }
};
template <>
struct Convert<MoRef> {
    static MoRef from(const Value& value) { return value.as_moref(); }
    static Value to(const MoRef& value) { return Value::moref(value); }
};

/// The elements of an array property, seen as T. Unset and empty look alike. It keeps the array
/// alive.
template <class T>
class ArrayView {
public:
    class Iterator {
    public:
        using value_type = T;
        using difference_type = std::ptrdiff_t;
        using iterator_category = std::input_iterator_tag;
        Iterator() = default;
        explicit Iterator(const Value* at) : at_(at) {}
        T operator*() const { return Convert<T>::from(*at_); }
        Iterator& operator++() {
            ++at_;
            return *this;
        }
        Iterator operator++(int) { return Iterator(at_++); }
        friend bool operator==(const Iterator&, const Iterator&) = default;

    private:
        const Value* at_ = nullptr;
    };

    explicit ArrayView(const Value& array) : array_(array) {}
    Iterator begin() const { return Iterator(values().data()); }
    Iterator end() const { return Iterator(values().data() + values().size()); }
    std::size_t size() const { return values().size(); }
    bool empty() const { return values().empty(); }
    T operator[](std::size_t index) const { return Convert<T>::from(values()[index]); }
    std::vector<T> to_vector() const { return {begin(), end()}; }

private:
    std::span<const Value> values() const {
        return array_ ? array_.elements() : std::span<const Value>{};
    }
    Value array_;
};

class DataHandle {
public:
    static constexpr TypeId kType = TypeId::DynamicData;

    DataHandle() = default;
    /// `value` is a data object or unset.
    explicit DataHandle(Value value) : value_(std::move(value)) {
        DROVER_CHECK(!value_ || value_.kind() == ValueKind::object);
    }

    explicit operator bool() const { return value_.is_set(); }
    /// The object itself.
    const Value& raw() const { return value_; }
    operator const Value&() const { return value_; }
    /// The most derived type; TypeId::none when unset.
    TypeId dynamic_type() const { return value_.type(); }

    template <class T>
    bool is() const {
        return value_ && is_a(value_.type(), T::kType);
    }
    /// The same object as a T; unset if it is no T.
    template <class T>
    T as() const {
        return is<T>() ? T(value_) : T();
    }

    friend bool operator==(const DataHandle& left, const DataHandle& right) {
        return left.value_ == right.value_;
    }

protected:
    const Value& slot_(std::size_t index) const {
        static const Value unset{};
        return value_ ? value_.slots()[index] : unset;
    }
    template <class T>
    T get_(std::size_t index) const {
        const Value& found = slot_(index);
        return found ? Convert<T>::from(found) : T{};
    }
    template <class T>
    std::optional<T> find_(std::size_t index) const {
        const Value& found = slot_(index);
        return found ? std::optional<T>(Convert<T>::from(found)) : std::nullopt;
    }
    template <class T>
    ArrayView<T> list_(std::size_t index) const {
        return ArrayView<T>(slot_(index));
    }
    template <class T>
    void set_(std::size_t index, const T& value) {
        value_.set_slot(index, Convert<T>::to(value));
    }
    template <class T>
    void set_list_(std::size_t index, TypeId element, const std::vector<T>& values) {
        std::vector<Value> elements;
        elements.reserve(values.size());
        for (const auto& value : values) elements.push_back(Convert<T>::to(value));
        value_.set_slot(index, Value::array(element, std::move(elements)));
    }
    void clear_(std::size_t index) { value_.set_slot(index, Value{}); }

private:
    Value value_;
};

/// The root of all data objects, as the schema names it.
using DynamicData = DataHandle;

}  // namespace drover::vim
