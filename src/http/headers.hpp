#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace drover::http {

/// ASCII-only, as HTTP compares names.
bool equals_ignoring_case(std::string_view a, std::string_view b);

/// True if a comma-separated header value (such as Connection or Accept-Encoding) holds the token,
/// without regard to case and to parameters after ';'. A parameter q=0 counts as absent.
bool has_token(std::string_view list, std::string_view token);

/// The fields of a message in their order. All text sits in one string, so that a message costs
/// two allocations instead of two per field. Views stay valid until the next change.
class Headers {
public:
    struct Field {
        std::string_view name;
        std::string_view value;
    };

    /// Adds a field, also if one of that name exists. Throws std::invalid_argument if the name is
    /// no token or the value holds CR, LF or NUL: such a field would forge other fields.
    void add(std::string_view name, std::string_view value);
    /// Replaces all fields of that name by this one.
    void set(std::string_view name, std::string_view value);
    void remove(std::string_view name);
    void clear();

    /// The first field of that name.
    std::optional<std::string_view> get(std::string_view name) const;
    bool contains(std::string_view name) const { return get(name).has_value(); }
    /// Every field of that name, e.g. Set-Cookie.
    std::vector<std::string_view> get_all(std::string_view name) const;

    std::size_t size() const { return fields_.size(); }
    bool empty() const { return fields_.empty(); }
    Field operator[](std::size_t index) const;

    /// Appends "Name: value\r\n" per field.
    void append_to(std::string& out) const;

private:
    struct Slot {
        std::uint32_t name_offset;
        std::uint32_t name_length;
        std::uint32_t value_offset;
        std::uint32_t value_length;
    };
    std::string text_;
    std::vector<Slot> fields_;
};

}  // namespace drover::http
