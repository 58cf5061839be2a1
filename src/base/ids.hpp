#pragma once

// Strong identifiers: a HostId is never passed where a VmId is meant, and neither is a raw string.

#include <compare>
#include <functional>
#include <string>
#include <string_view>
#include <utility>

namespace drover::base {

/// A string that names one kind of thing. `Tag` makes the kinds distinct types.
template <class Tag>
class StrongId {
public:
    StrongId() = default;
    explicit StrongId(std::string value) : value_(std::move(value)) {}

    const std::string& value() const { return value_; }
    bool empty() const { return value_.empty(); }

    friend auto operator<=>(const StrongId&, const StrongId&) = default;

private:
    std::string value_;
};

}  // namespace drover::base

template <class Tag>
struct std::hash<drover::base::StrongId<Tag>> {
    std::size_t operator()(const drover::base::StrongId<Tag>& id) const noexcept {
        return std::hash<std::string>{}(id.value());
    }
};
