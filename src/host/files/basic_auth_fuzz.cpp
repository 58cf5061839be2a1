#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.hpp"
#include "host/files/basic_auth.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto parsed = drover::host::files::parse_basic(text);
    if (parsed) {
        DROVER_CHECK(!parsed->user.empty());
        DROVER_CHECK(parsed->user.find(':') == std::string::npos);
        DROVER_CHECK(parsed->user.size() + parsed->password.size() < size);
    }
    return 0;
}
