#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>

namespace drover::service {

/// Takes a time that depends on the lengths alone.
inline bool equal_in_constant_time(std::string_view left, std::string_view right) {
    unsigned difference = left.size() == right.size() ? 0u : 1u;
    for (std::size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
        difference |= static_cast<unsigned char>(left[i]) ^ static_cast<unsigned char>(right[i]);
    }
    return difference == 0;
}

/// A key for looking a secret up, which nobody outside can compute.
inline std::size_t keyed_hash(std::string_view key, std::string_view secret) {
    return std::hash<std::string>{}(std::string(key) + std::string(secret));
}

}  // namespace drover::service
