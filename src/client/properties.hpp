#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vim/types.hpp"

namespace drover::client {

/// Some properties of one managed object, by path. The getters give nothing where a property is
/// unset or of another kind than asked for: the wire lets a server send any type there.
class Properties {
public:
    Properties() = default;
    explicit Properties(vim::MoRef object) : object_(std::move(object)) {}

    const vim::MoRef& object() const { return object_; }
    const vim::Value& get(std::string_view path) const;
    bool has(std::string_view path) const { return get(path).is_set(); }

    /// Strings and enumerations; "" if there is none.
    std::string text(std::string_view path) const;
    std::optional<std::int64_t> integer(std::string_view path) const;
    std::optional<bool> boolean(std::string_view path) const;
    std::optional<vim::MoRef> reference(std::string_view path) const;
    std::vector<vim::MoRef> references(std::string_view path) const;
    std::optional<base::WallTime> time(std::string_view path) const;

    /// A data object; an unset handle if there is none of that type.
    template <class T>
    T object(std::string_view path) const {
        const vim::Value& found = get(path);
        const bool fits =
            found.kind() == vim::ValueKind::object && vim::is_a(found.type(), T::kType);
        return fits ? T(found) : T();
    }
    /// The data objects of an array, those of another type left out.
    template <class T>
    std::vector<T> objects(std::string_view path) const {
        std::vector<T> out;
        const vim::Value& found = get(path);
        if (found.kind() != vim::ValueKind::array) return out;
        for (const auto& each : found.elements()) {
            if (each.kind() == vim::ValueKind::object && vim::is_a(each.type(), T::kType)) {
                out.emplace_back(each);
            }
        }
        return out;
    }

    void set(std::string_view path, vim::Value value);

private:
    vim::MoRef object_;
    std::map<std::string, vim::Value, std::less<>> values_;
};

}  // namespace drover::client
