// Any bytes: parse_request() gives a request that reads back as itself, or a reason.

#include <cstdint>
#include <cstdlib>

#include "rootd/request.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace drover::rootd;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto request = parse_request(text);
    if (!request) {
        if (request.error().empty()) std::abort();
        return 0;
    }
    const Message message = to_message(*request);
    const auto again = parse_request(format_message(message));
    if (!again || to_message(*again) != message) std::abort();
    return 0;
}
