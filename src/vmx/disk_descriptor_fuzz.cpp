#include "base/check.hpp"
#include "vmx/disk_descriptor.hpp"
#include "vmx/sparse_header.hpp"

// Whatever is accepted must be written and read back as the same value.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace drover::vmx;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    (void)identify_disk_file(bytes);
    (void)SparseHeader::parse(bytes);
    (void)check_embedded_descriptor(bytes);
    const auto descriptor = DiskDescriptor::parse(bytes);
    if (!descriptor) return 0;
    (void)descriptor->format();
    const std::string written = descriptor->to_string();
    if (written.size() > DiskDescriptor::kMaxFileBytes) return 0;
    const auto again = DiskDescriptor::parse(written);
    DROVER_CHECK(again.has_value());
    DROVER_CHECK(*again == *descriptor);
    return 0;
}
