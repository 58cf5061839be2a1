#pragma once

// The SOAP encoding of the interface, for both ends of the wire. Everything here walks the tables;
// all functions may be called on any thread and keep nothing.
//
// What a client sees is gated by its release: properties, types and enumeration values that came
// later are left out or replaced by the nearest base that the release knows, because old clients
// refuse what they do not know.

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "vim/fault.hpp"
#include "vim/value.hpp"

namespace drover::vim {

/// A call as it came over the wire.
struct SoapRequest {
    /// nullptr stands for the undocumented Fetch, which reads one property of any managed object.
    const MethodDescriptor* method = nullptr;
    /// The object that is called. An unknown type name leaves TypeId::none; the id is never empty.
    MoRef self;
    /// The parameters: an object of type method->request; unset for Fetch.
    Value request;
    /// The property that Fetch reads.
    std::string fetch_property;
    /// What the client calls this operation (SOAP header operationID), for the log. Often empty; at
    /// most 256 bytes.
    std::string operation_id;
};

/// Reads a request. The caller bounds the size of `body`; depth is bound to 64 elements inside the
/// call, the number of elements to a million, that of attributes to 64 for each. Unknown elements
/// are ignored, and so is what came later than the release that the client declared (unset: than
/// the newest served): its methods and types are as unknown. Throws vim::Fault: InvalidRequest (and
/// its subtypes MethodNotFound and InvalidType) for what does not fit the interface,
/// InvalidArgument for an unknown value of an enumeration. The message names the place
/// ("spec.deviceChange[0].device.key") and the reason.
SoapRequest parse_soap_request(std::string_view body, std::optional<Release> declared = {});

/// The release that a SOAPAction header names ("urn:vim25/6.7", with or without quotes): the newest
/// served for an unknown or newer one, nothing if the header is empty or names none.
std::optional<Release> declared_release(std::string_view soap_action);

/// The release that a request is answered in: the declared one, or 2.5.
Release release_from_soap_action(std::string_view header);

/// The SOAPAction header that asks for a release, with quotes.
std::string soap_action(Release release);

/// The response to a call. `result` is unset for a method without a result, and where an optional
/// result is absent.
std::string encode_soap_response(const MethodDescriptor& method, const Value& result,
                                 Release release);

/// The response of a method that returns a RetrieveResult or an array of ObjectContent, written
/// object by object: what is ready can be sent while the rest is being written, and no value is
/// made for the whole, which may be tens of megabytes. One thread at a time.
class SoapContents {
public:
    /// `token` goes into a RetrieveResult; empty if there is none.
    SoapContents(const MethodDescriptor& method, Release release, std::string_view token);
    ~SoapContents();
    SoapContents(const SoapContents&) = delete;
    SoapContents& operator=(const SoapContents&) = delete;

    void begin_object(const Value& reference);
    /// Left out if the release does not know the value.
    void property(std::string_view name, const Value& value);
    /// A MissingProperty; after all properties of the object.
    void missing(const Value& missing);
    void end_object();
    /// After the last object.
    void end();

    /// Bytes that nobody has taken.
    std::size_t size() const;
    /// What was written since the last call.
    std::string take();

private:
    struct State;
    std::unique_ptr<State> state_;
};

/// The response to Fetch: the property with its type. An unset value gives an empty response.
std::string encode_soap_fetch_response(const Value& value, Release release);

/// The body of a failed call (HTTP status 500).
std::string encode_soap_fault(const Fault& fault, Release release);

/// A client's request. `request` is an object of type method.request, or unset if there are no
/// parameters to give.
std::string encode_soap_request(const MethodDescriptor& method, const MoRef& self,
                                const Value& request, Release release);

/// A client's Fetch of one property.
std::string encode_soap_fetch_request(const MoRef& self, std::string_view property);

/// What a server answered; unset for no result. Throws the fault that the server sent, or
/// SystemError if the body is no response to this method (or one of more than 16 million elements).
/// Tolerates a newer server: unknown properties and enumeration values are dropped, unknown data
/// objects read as the declared type, unknown faults as the nearest type that the response names.
Value decode_soap_response(const MethodDescriptor& method, std::string_view body);

/// What a server answered to Fetch, with the same tolerance; unset if the property is unset.
Value decode_soap_fetch_response(std::string_view body);

}  // namespace drover::vim
