#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace drover::model {

/// A set of numbers other than 0, for walks that meet thousands of objects: no allocation for an
/// element. Nothing is ever taken out.
class KeySet {
public:
    /// True if the key was not in the set yet.
    bool insert(std::uint64_t key) {
        if ((count_ + 1) * 2 > slots_.size()) grow();
        std::uint64_t& slot = find(key);
        if (slot == key) return false;
        slot = key;
        ++count_;
        return true;
    }

private:
    // The slot of the key, or the free one where it belongs.
    std::uint64_t& find(std::uint64_t key) {
        const std::size_t mask = slots_.size() - 1;
        std::size_t at = static_cast<std::size_t>((key * 0x9E3779B97F4A7C15U) >> 24U) & mask;
        while (slots_[at] != 0 && slots_[at] != key) at = (at + 1) & mask;
        return slots_[at];
    }
    void grow() {
        std::vector<std::uint64_t> old(slots_.empty() ? 16 : slots_.size() * 2);
        old.swap(slots_);
        for (const std::uint64_t key : old) {
            if (key != 0) find(key) = key;
        }
    }

    std::vector<std::uint64_t> slots_;
    std::size_t count_ = 0;
};

/// An object together with one traversal that applies to it. Numbers of traversals are far below
/// the limit, which Selection's limits see to.
inline constexpr unsigned kNodeBits = 16;
inline std::uint64_t expansion_key(std::uint64_t generation, std::size_t node) {
    return generation << kNodeBits | node;
}

}  // namespace drover::model
