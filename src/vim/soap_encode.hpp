#pragma once

// Values as SOAP elements. Private to this directory.

#include "vim/wire.hpp"

namespace drover::vim::soap {

/// Appends elements to a buffer, gated by one release. The bytes are written straight away; there
/// is no document model on this side.
class Encoder {
public:
    Encoder(wire::Buffer& out, Release release) : out_(out), release_(release) {}

    /// One element, or nothing if the release does not know the value. With anyType declared, it
    /// carries its type.
    void element(std::string_view name, TypeId declared, const Value& value);
    /// A property: one element, one for each element of a declared array, none if unset.
    void property(std::string_view name, TypeId declared, bool array, const Value& value);
    /// The set properties of a data object that `type` (its own or one of its bases) has.
    void members(const Value& object, TypeId type);

    /// <name type="VirtualMachine">vm-1</name>
    void reference(std::string_view name, TypeId type, std::string_view id, bool typed);

private:
    bool plain_leaf(const struct MemberTags& tags, const Value& value);
    void start(std::string_view name);
    void end(std::string_view name);
    void xsi_type(std::string_view prefix, std::string_view type);
    void object(std::string_view name, TypeId declared, const Value& value, bool typed);
    void typed_array(std::string_view name, const Value& value);
    void single(std::string_view name, TypeId declared, const Value& value, bool typed);
    void leaf(const Value& value);

    wire::Buffer& out_;
    Release release_;
};

}  // namespace drover::vim::soap
