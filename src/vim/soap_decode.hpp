#pragma once

// SOAP elements as values. Private to this directory.

#include "vim/wire.hpp"
#include "vim/xml_document.hpp"

namespace drover::vim::soap {

/// Reads elements. It recurses at most wire::kMaxDepth deep.
class Decoder {
public:
    /// What came after `release` is unknown to this reader.
    explicit Decoder(wire::Peer peer, Release release = newest_release())
        : peer_(peer), release_(release) {}

    /// The properties of a data object or request from the elements inside `node`; others are
    /// ignored, and so is `_this`. `place` is where `node` stands, nullptr for the call itself.
    Value members(pugi::xml_node node, TypeId type, const wire::Place* place);

    /// One value. Unset for xsi:nil, and for what only a newer server knows.
    Value element(pugi::xml_node node, TypeId declared, const wire::Place& place);

    /// Adds to `elements` what one element of a declared array holds: a value, or many if the
    /// client wrapped them in an ArrayOf*.
    void array_element(pugi::xml_node node, TypeId declared, const wire::Place& place,
                       std::vector<Value>& elements);

private:
    Value typed(pugi::xml_node node, TypeId declared, const wire::Place& place);
    Value any(pugi::xml_node node, const wire::Place& place);
    Value wrapped_array(pugi::xml_node node, TypeId element, const wire::Place& place);
    Value reference(pugi::xml_node node, TypeId declared, const wire::Place& place);
    Value leaf(pugi::xml_node node, TypeId type, const wire::Place& place);
    TypeId object_type(pugi::xml_node node, TypeId declared, const wire::Place& place);
    wire::NamedType resolve(std::string_view name) const;

    wire::Peer peer_;
    Release release_;
    int depth_ = 0;
};

}  // namespace drover::vim::soap
