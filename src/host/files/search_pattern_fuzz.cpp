#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.hpp"
#include "host/files/search_spec.hpp"

// The first line is the name, the rest the pattern.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size > 2048) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto line = text.find('\n');
    const std::string_view name = text.substr(0, line);
    const std::string_view pattern = line == text.npos ? "" : text.substr(line + 1);
    namespace files = drover::host::files;
    const bool exact = files::matches_pattern(name, pattern, false);
    // What matches exactly matches in any case, too; and a star takes everything.
    if (exact) DROVER_CHECK(files::matches_pattern(name, pattern, true));
    DROVER_CHECK(files::matches_pattern(name, "*", false));
    files::type_of(name, false);
    return 0;
}
