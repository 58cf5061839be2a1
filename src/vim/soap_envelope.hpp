#pragma once

// What stands around the values of a message. Private to this directory.

#include "vim/wire.hpp"

namespace drover::vim::soap {

inline constexpr std::string_view kEnvelopeStart =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<soapenv:Envelope xmlns:soapenc=\"http://schemas.xmlsoap.org/soap/encoding/\""
    " xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\""
    " xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\""
    " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n"
    "<soapenv:Body>\n";
inline constexpr std::string_view kEnvelopeEnd = "\n</soapenv:Body>\n</soapenv:Envelope>\n";

/// The start of the element in the body, which may still get attributes.
inline void put_start(wire::Buffer& out, std::string_view name, std::string_view suffix = {}) {
    out.put('<');
    out.put(name);
    out.put(suffix);
    out.put(" xmlns=\"urn:vim25\"");
}

inline void put_end(wire::Buffer& out, std::string_view name, std::string_view suffix = {}) {
    out.put("</");
    out.put(name);
    out.put(suffix);
    out.put('>');
}

}  // namespace drover::vim::soap
