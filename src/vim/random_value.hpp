#pragma once

// Values made up from the tables, for tests: whatever the interface can carry, from a seed.

#include <cstdint>
#include <random>
#include <set>

#include "vim/value.hpp"

namespace drover::vim {

class RandomValues {
public:
    /// What a foreign reader can't take.
    struct Limits {
        bool names_only = false;   ///< Strings are names of types: some clients read them as such.
        bool flat_arrays = false;  ///< No arrays inside an array of anyType: pyVmomi joins them.
        std::set<TypeId> avoid;    ///< Types that do not occur unless nothing else would fit.
    };

    explicit RandomValues(std::uint64_t seed, const Limits& limits = kNone)
        : random_(seed), limits_(limits) {}

    /// A value that may stand where `declared` is expected. Nested objects are at most `depth`
    /// deep, but required properties are always set.
    Value value(TypeId declared, int depth);
    /// An object of this very type (data or request).
    Value object(TypeId type, int depth);
    /// A type that has the kind, chosen evenly.
    TypeId any_type(TypeKind kind);
    /// Below `bound`.
    std::size_t number(std::size_t bound) { return random_() % bound; }

private:
    Value any(int depth);
    Value array(TypeId element, int depth);
    Value primitive(TypeId type);
    std::string text();
    TypeId derived(TypeId base);

    std::mt19937_64 random_;
    const Limits& limits_;
    static const Limits kNone;
};

/// Why `value` could not be known to a client of `release`; empty if nothing in it is newer.
std::string find_newer(const Value& value, Release release);

}  // namespace drover::vim
