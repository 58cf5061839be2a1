#pragma once

// The JSON encoding of the interface (VI/JSON), driven by the same tables as the SOAP one and gated
// by release in the same way. All functions may be called on any thread and keep nothing.

#include <string>
#include <string_view>

#include "vim/fault.hpp"
#include "vim/value.hpp"

namespace drover::vim {

/// Reads a call's parameters: a JSON object of them, or nothing (an empty body) if there are none.
/// The result is an object of type method.request. The caller bounds the size of `body`; depth is
/// bound to 64, the number of values to a million. Unknown members are ignored, and so are those
/// that came after `release`; later types are refused.
/// Throws the faults that parse_soap_request throws.
Value parse_json_request(const MethodDescriptor& method, std::string_view body,
                         Release release = served_releases().front());

/// Reads one value of a declared type (its element, if `array`), as a server sent it. Tolerant of
/// what a newer server may send, as decode_soap_response. Throws SystemError if the text is no such
/// value. `null` and an empty text are an unset value.
Value decode_json_value(std::string_view text, TypeId declared, bool array = false);

/// A value where `declared` is expected; with `anyType` it carries its type. An unset value, or one
/// that the release does not know, is an empty string: no content.
std::string encode_json_value(const Value& value, TypeId declared, Release release);

/// The response to a call; empty if there is no result (HTTP status 204).
std::string encode_json_response(const MethodDescriptor& method, const Value& result,
                                 Release release);

/// A client's request; `request` as for encode_soap_request.
std::string encode_json_request(const MethodDescriptor& method, const Value& request,
                                Release release);

/// What a server answered to a call, with decode_json_value's tolerance; unset for no result.
Value decode_json_response(const MethodDescriptor& method, std::string_view body);

/// The body of a failed call (HTTP status 500).
std::string encode_json_fault(const Fault& fault, Release release);

/// The fault that such a body carries; unknown types read as MethodFault. Throws SystemError if it
/// is none.
Fault decode_json_fault(std::string_view body);

}  // namespace drover::vim
