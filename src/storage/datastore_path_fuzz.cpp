#include "base/check.hpp"
#include "storage/datastore_path.hpp"

// What is accepted is harmless, and written and read back as the same path.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using drover::storage::DatastorePath;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto path = DatastorePath::parse(text);
    if (!path) return 0;
    DROVER_CHECK(DatastorePath::parse(path->to_string()) == *path);
    DROVER_CHECK(!path->relative().starts_with('/'));
    DROVER_CHECK(("/" + path->relative() + "/").find("/../") == std::string::npos);
    if (const auto other = path->resolve(text)) {
        const auto reference = path->reference_to(*other);
        if (!reference.empty()) DROVER_CHECK(path->resolve(reference) == *other);
    }
    return 0;
}
