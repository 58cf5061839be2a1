#pragma once

// XML from outside, parsed with pugixml after a scan that bounds it and refuses what pugixml would
// let pass. Private to this directory.

#include <optional>
#include <string>
#include <string_view>

#include <pugixml.hpp>

namespace drover::vim::xml {

/// A parsed document. It owns its text; nodes are views into it.
class Document {
public:
    /// Returns why the text was refused: it is no well-formed UTF-8 XML, has a DTD, has more than
    /// `max_nodes` elements and attributes together (or 64 attributes of one element), or a
    /// reference to an entity or character that XML doesn't define. Elements may be nested to any
    /// depth: nothing here recurses.
    std::optional<std::string> load(std::string_view text, std::size_t max_nodes);

    /// The outermost element.
    pugi::xml_node root() const { return document_.document_element(); }

private:
    std::string text_;
    pugi::xml_document document_;
};

/// A name without its namespace prefix.
std::string_view local_name(std::string_view name);
std::string_view local_name(pugi::xml_node node);

/// The attribute of this local name under any prefix (`type` itself without one only), or empty.
std::string_view prefixed_attribute(pugi::xml_node node, std::string_view name);

/// The first child element of this local name.
pugi::xml_node child(pugi::xml_node node, std::string_view name);

/// True if the element has elements inside.
bool has_elements(pugi::xml_node node);

/// The character data of an element, without that of elements inside. `storage` holds it if it
/// comes in pieces.
std::string_view text_of(pugi::xml_node node, std::string& storage);

}  // namespace drover::vim::xml
