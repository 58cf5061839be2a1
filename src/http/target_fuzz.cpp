// Request targets, queries and URLs: no crash, and what was accepted keeps the promises of
// target.hpp.

#include "http/target.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace drover::http;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto target = Target::parse(text)) {
        if (target->path() != "*" && target->path().front() != '/') std::abort();
        if (target->path().contains('\0')) std::abort();
        if (target->parameters().size() > 1000) std::abort();
        for (const auto& segment : target->segments())
            if (segment == "..") std::abort();
        if (target->raw_query().size() > size) std::abort();
    }
    if (const auto url = Url::parse(text))
        if (url->host.empty() || url->port == 0 || url->target.front() != '/') std::abort();
    if (percent_decode(percent_encode(text)) != text && !text.contains('\0')) std::abort();
    return 0;
}
