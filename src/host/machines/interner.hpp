#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "vim/value.hpp"

namespace drover::host {

/// Makes equal parts of values one and the same. The configurations of a host's machines consist
/// for the most part of what all of them have (controllers, keyboards, default options); with
/// thousands of machines that is most of the memory. One thread.
class Interner {
public:
    /// So many different parts are remembered; then it begins anew. What was shared stays shared.
    static constexpr std::size_t kMostParts = 16'384;

    /// An equal value, made of parts that were seen before as far as possible.
    vim::Value intern(const vim::Value& value);

private:
    struct Part {
        vim::Value value;
        std::uint64_t hash = 0;
    };

    Part visit(const vim::Value& value);
    Part visit_children(const vim::Value& value);
    Part share(Part part);

    std::unordered_multimap<std::uint64_t, vim::Value> parts_;
};

}  // namespace drover::host
