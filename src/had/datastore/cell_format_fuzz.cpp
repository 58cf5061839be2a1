#include "base/check.hpp"
#include "had/datastore/cell_format.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace drover;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    had::Names names;
    if (const auto lease = had::parse_lease(text, 7, names)) {
        DROVER_CHECK(had::parse_lease(had::format_lease(*lease, names, "x", {}), 7, names) ==
                     *lease);
    }
    if (const auto plan = had::parse_plan(text, 7, names)) {
        const auto again = had::parse_plan(had::format_plan(*plan, names), 7, names);
        DROVER_CHECK(again && again->assignments == plan->assignments);
    }
    return 0;
}
