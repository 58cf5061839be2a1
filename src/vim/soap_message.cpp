// The messages that this side sends: envelope and body around encoded values.

#include "vim/soap.hpp"
#include "vim/soap_encode.hpp"
#include "vim/soap_envelope.hpp"
#include "vim/xml_text.hpp"

#include "base/check.hpp"

namespace drover::vim {
namespace {

using soap::Encoder;
using soap::kEnvelopeEnd;
using soap::kEnvelopeStart;
using soap::put_end;
using soap::put_start;
using wire::Buffer;

// The name that a release gives to a fault; MethodFault is as old as the interface.
TypeId known_fault(TypeId type, Release release) {
    const TypeId known = downgrade(type, release);
    return is_a(known, TypeId::MethodFault) ? known : TypeId::MethodFault;
}

}  // namespace

std::string soap_action(Release release) {
    std::string header = "\"urn:vim25/";
    header += release_name(release);
    header += '"';
    return header;
}

std::string encode_soap_response(const MethodDescriptor& method, const Value& result,
                                 Release release) {
    Buffer out;
    out.put(kEnvelopeStart);
    put_start(out, method.name(), "Response");
    out.put('>');
    if (method.result_type != TypeId::none) {
        Encoder(out, release)
            .property("returnval", method.result_type, method.returns_array(), result);
    } else {
        DROVER_CHECK(!result);
    }
    put_end(out, method.name(), "Response");
    out.put(kEnvelopeEnd);
    return out.take();
}

std::string encode_soap_fetch_response(const Value& value, Release release) {
    Buffer out;
    out.put(kEnvelopeStart);
    put_start(out, "FetchResponse");
    out.put('>');
    Encoder(out, release).element("returnval", TypeId::anyType, value);
    put_end(out, "FetchResponse");
    out.put(kEnvelopeEnd);
    return out.take();
}

std::string encode_soap_fault(const Fault& fault, Release release) {
    Buffer out;
    out.put(kEnvelopeStart);
    out.put("<soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>");
    xml::put_text(out, fault.message());
    out.put("</faultstring><detail>");
    const TypeId type = known_fault(fault.fault().dynamic_type(), release);
    const std::string_view name = describe(type).name();
    put_start(out, name, "Fault");
    out.put(" xsi:type=\"");
    out.put(name);
    out.put("\">");
    Encoder(out, release).members(fault.fault().raw(), type);
    put_end(out, name, "Fault");
    out.put("</detail></soapenv:Fault>");
    out.put(kEnvelopeEnd);
    return out.take();
}

std::string encode_soap_request(const MethodDescriptor& method, const MoRef& self,
                                const Value& request, Release release) {
    Buffer out;
    out.put(kEnvelopeStart);
    put_start(out, method.name());
    out.put('>');
    Encoder encoder(out, release);
    encoder.reference("_this", self.type, self.id, false);
    if (request) {
        DROVER_CHECK(request.type() == method.request);
        encoder.members(request, method.request);
    }
    put_end(out, method.name());
    out.put(kEnvelopeEnd);
    return out.take();
}

std::string encode_soap_fetch_request(const MoRef& self, std::string_view property) {
    Buffer out;
    out.put(kEnvelopeStart);
    put_start(out, "Fetch");
    out.put('>');
    Encoder encoder(out, newest_release());
    encoder.reference("_this", self.type, self.id, false);
    out.put("<prop>");
    xml::put_text(out, property);
    out.put("</prop>");
    put_end(out, "Fetch");
    out.put(kEnvelopeEnd);
    return out.take();
}

std::optional<Release> declared_release(std::string_view header) {
    const auto strip = [&](std::string_view characters) {
        while (!header.empty() && characters.contains(header.front())) header.remove_prefix(1);
        while (!header.empty() && characters.contains(header.back())) header.remove_suffix(1);
    };
    strip(" \t");
    strip("\"");
    const auto newest = served_releases().front();
    const auto slash = header.find('/');
    if (slash == std::string_view::npos || slash + 1 == header.size()) return std::nullopt;
    const auto asked = find_release(header.substr(slash + 1));
    if (!asked || *asked > newest) return newest;
    return std::max(*asked, served_releases().back());
}

Release release_from_soap_action(std::string_view header) {
    // virsh and others name the method ("urn:vim25#Login") or nothing: they were written against
    // VI3 and know nothing newer.
    return declared_release(header).value_or(*find_release("2.5"));
}

}  // namespace drover::vim
