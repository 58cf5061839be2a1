#pragma once

// References inside values, replaced: what a host says becomes the center's, and what the center's
// clients say becomes a host's. Pure; any thread.

#include <string_view>

#include "vim/value.hpp"

namespace drover::center {

/// Gives the reference that takes another's place. It is a moref Value, or unset: then the property
/// is unset, and an element leaves its array. Called for references only.
class ReferenceMap {
public:
    virtual ~ReferenceMap() = default;
    virtual vim::Value map(const vim::Value& reference) const = 0;
};

/// The value with every reference in it replaced, at any depth: in arrays, in data objects of
/// whatever type, in properties of type anyType. Parts in which nothing is replaced by something
/// else are shared with the old value, and parts whose type can't hold a reference are not looked
/// at.
vim::Value translate(const vim::Value& value, const ReferenceMap& references);

/// False if no value of this type (a data object with all its subtypes, a primitive, ...) can hold
/// a reference.
bool may_hold_references(vim::TypeId type);

}  // namespace drover::center
