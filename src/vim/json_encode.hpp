#pragma once

// Values as JSON. Private to this directory.

#include "vim/wire.hpp"

namespace drover::vim::json {

/// Appends JSON to a buffer, gated by one release, without a document model.
class Encoder {
public:
    Encoder(wire::Buffer& out, Release release) : out_(out), release_(release) {}

    /// One value, which the release knows (wire::is_known). Where anyType is declared, it carries
    /// its type.
    void value(TypeId declared, const Value& value);
    /// The elements of a declared array.
    void array(TypeId declared, const Value& value);
    /// The set properties of a data object that `type` has, each with a comma before it.
    void members(const Value& object, TypeId type);
    /// A quoted string.
    void string(std::string_view text);

private:
    void boxed(const Value& value);
    void leaf(const Value& value);
    void reference(const Value& value);

    wire::Buffer& out_;
    Release release_;
};

}  // namespace drover::vim::json
