#include "base/check.hpp"
#include "vmx/vmx_file.hpp"

// Whatever is accepted must be written and read back unchanged.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using drover::vmx::VmxFile;
    const auto file = VmxFile::parse({reinterpret_cast<const char*>(data), size});
    if (!file) return 0;
    const auto again = VmxFile::parse(file->to_string());
    DROVER_CHECK(again.has_value());
    DROVER_CHECK(again->keys() == file->keys());
    for (const auto& key : file->keys()) DROVER_CHECK(again->get(key) == file->get(key));
    return 0;
}
