// What a client sends, as the server reads it.

#include <fmt/format.h>

#include "vim/soap.hpp"
#include "vim/soap_decode.hpp"

namespace drover::vim {
namespace {

using wire::Peer;
using wire::Place;

constexpr std::size_t kMaxOperationId = 256;

pugi::xml_node first_element(pugi::xml_node node) {
    for (const auto each : node.children()) {
        if (each.type() == pugi::node_element) return each;
    }
    return {};
}

MoRef read_self(pugi::xml_node call, const MethodDescriptor* method) {
    const auto node = xml::child(call, "_this");
    const Place place{nullptr, "_this"};
    if (!node) wire::refuse(Peer::client, &place, "this required parameter is missing");
    const TypeId declared = method == nullptr ? TypeId::none : method->owner;
    if (std::string_view(node.attribute("type").value()).empty() && declared == TypeId::none) {
        wire::refuse(Peer::client, &place, "the attribute 'type' is missing");
    }
    const Value self =
        soap::Decoder(Peer::client)
            .element(node, declared == TypeId::none ? TypeId::ManagedObject : declared, place);
    if (!self) wire::refuse(Peer::client, &place, "a managed object reference must not be nil");
    return self.as_moref();
}

[[noreturn]] void refuse_method(const MoRef& self, std::string_view name) {
    auto fault = MethodNotFound::make();
    fault.set_receiver(self);
    fault.set_method(name);
    throw Fault(fault, fmt::format("There is no method '{}'.", name));
}

}  // namespace

SoapRequest parse_soap_request(std::string_view body, std::optional<Release> declared) {
    const Release release = declared.value_or(served_releases().front());
    xml::Document document;
    if (const auto reason = document.load(body, wire::max_nodes(Peer::client))) {
        wire::refuse(Peer::client, nullptr, fmt::format("The request is no XML: {}", *reason));
    }
    const auto envelope = document.root();
    const auto soap_body = xml::child(envelope, "Body");
    const auto call = first_element(soap_body);
    if (xml::local_name(envelope) != "Envelope" || !call) {
        wire::refuse(Peer::client, nullptr, "The request has no SOAP envelope with a call in it.");
    }
    SoapRequest request;
    std::string storage;
    request.operation_id =
        xml::text_of(xml::child(xml::child(envelope, "Header"), "operationID"), storage)
            .substr(0, kMaxOperationId);
    const std::string_view name = xml::local_name(call).substr(0, 128);
    if (name == "Fetch") {
        request.self = read_self(call, nullptr);
        const auto property = xml::child(call, "prop");
        const Place place{nullptr, "prop"};
        if (!property) wire::refuse(Peer::client, &place, "this required parameter is missing");
        request.fetch_property = xml::text_of(property, storage);
        return request;
    }
    request.method = find_method(name);
    if (request.method != nullptr && request.method->since() > release) request.method = nullptr;
    request.self = read_self(call, request.method);
    if (request.method == nullptr) refuse_method(request.self, name);
    request.request =
        soap::Decoder(Peer::client, release).members(call, request.method->request, nullptr);
    return request;
}

}  // namespace drover::vim
