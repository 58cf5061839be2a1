// Whatever a client or server sends as JSON gives a value or a fault; an accepted request reads the
// same after it has been encoded again.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.hpp"
#include "vim/json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace drover::vim;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    for (const auto* name : {"CreateFilter", "ReconfigVM_Task", "Login"}) {
        try {
            const MethodDescriptor& method = *find_method(name);
            const Value request = parse_json_request(method, text);
            const std::string again = encode_json_request(method, request, newest_release());
            parse_json_request(method, text, served_releases().back());
            DROVER_CHECK(encode_json_request(method, parse_json_request(method, again),
                                             newest_release()) == again);
        } catch (const Fault&) {
        }
    }
    try {
        const Value value = decode_json_value(text, TypeId::anyType);
        encode_json_value(value, TypeId::anyType, served_releases().back());
    } catch (const Fault&) {
    }
    try {
        encode_json_fault(decode_json_fault(text), newest_release());
    } catch (const Fault&) {
    }
    return 0;
}
