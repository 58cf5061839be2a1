// Both directions: whatever a client sends gives a request or a fault, and a request that was
// accepted reads the same after it has been encoded again. Whatever a server sends gives a value or
// a fault.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.hpp"
#include "vim/soap.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace drover::vim;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    try {
        const SoapRequest request = parse_soap_request(text);
        if (request.method != nullptr) {
            const std::string again = encode_soap_request(*request.method, request.self,
                                                          request.request, newest_release());
            const SoapRequest second = parse_soap_request(again);
            DROVER_CHECK(second.method == request.method);
            DROVER_CHECK(to_debug_string(second.request).size() <=
                         to_debug_string(request.request).size());
        }
    } catch (const Fault&) {
    }
    try {
        parse_soap_request(text, served_releases().back());
    } catch (const Fault& fault) {
        encode_soap_fault(fault, served_releases().back());
    }
    try {
        static const MethodDescriptor& retrieve = *find_method("RetrievePropertiesEx");
        encode_soap_response(retrieve, decode_soap_response(retrieve, text), newest_release());
    } catch (const Fault& fault) {
        encode_soap_fault(fault, served_releases().back());
    }
    try {
        encode_soap_fetch_response(decode_soap_fetch_response(text), served_releases().back());
    } catch (const Fault&) {
    }
    return 0;
}
