// What a server answers, as the client reads it.

#include <fmt/format.h>

#include <vector>

#include "vim/soap.hpp"
#include "vim/soap_decode.hpp"

namespace drover::vim {
namespace {

using wire::Peer;
using wire::Place;

// The type of a fault: its xsi:type, else what its element is called, else MethodFault.
TypeId fault_type(pugi::xml_node node) {
    std::string_view name = xml::local_name(xml::prefixed_attribute(node, "type"));
    for (int attempt = 0; attempt < 2; ++attempt) {
        const TypeId type = wire::resolve_type_name(name).type;
        if (type != TypeId::none && is_a(type, TypeId::MethodFault)) return type;
        name = xml::local_name(node);
        if (name.ends_with("Fault")) name.remove_suffix(5);
    }
    return TypeId::MethodFault;
}

[[noreturn]] void throw_fault(pugi::xml_node node) {
    std::string storage;
    const std::string message(xml::text_of(xml::child(node, "faultstring"), storage));
    for (const auto each : xml::child(node, "detail").children()) {
        if (each.type() != pugi::node_element) continue;
        const Place place{nullptr, "detail"};
        throw Fault(
            MethodFault(soap::Decoder(Peer::server).members(each, fault_type(each), &place)),
            message);
    }
    throw make_fault<RuntimeFault>(message);
}

// Calls `read` for each returnval.
template <class Read>
void for_each_result(std::string_view body, std::string_view method, Read read) {
    xml::Document document;
    if (const auto reason = document.load(body, wire::max_nodes(Peer::server))) {
        wire::refuse(Peer::server, nullptr, fmt::format("The response is no XML: {}", *reason));
    }
    const auto soap_body = xml::child(document.root(), "Body");
    if (const auto fault = xml::child(soap_body, "Fault")) throw_fault(fault);
    const auto response = xml::child(soap_body, fmt::format("{}Response", method));
    if (!response) {
        wire::refuse(Peer::server, nullptr, fmt::format("The body is no response to {}.", method));
    }
    for (const auto each : response.children()) {
        if (each.type() == pugi::node_element && xml::local_name(each) == "returnval") read(each);
    }
}

}  // namespace

Value decode_soap_response(const MethodDescriptor& method, std::string_view body) {
    soap::Decoder decoder(Peer::server);
    std::vector<Value> elements;
    for_each_result(body, method.name(), [&](pugi::xml_node node) {
        if (method.result_type == TypeId::none) return;
        const Place place{nullptr, "returnval", static_cast<std::ptrdiff_t>(elements.size())};
        decoder.array_element(node, method.result_type, place, elements);
    });
    if (method.returns_array() && !elements.empty()) {
        return Value::array(method.result_type, std::move(elements));
    }
    return elements.empty() ? Value{} : elements.front();
}

Value decode_soap_fetch_response(std::string_view body) {
    Value result;
    for_each_result(body, "Fetch", [&](pugi::xml_node node) {
        const Place place{nullptr, "returnval"};
        result = soap::Decoder(Peer::server).element(node, TypeId::anyType, place);
    });
    return result;
}

}  // namespace drover::vim
