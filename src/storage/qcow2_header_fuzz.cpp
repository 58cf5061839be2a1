#include "storage/qcow2_header.hpp"

#include "base/check.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    const auto header =
        drover::storage::Qcow2Header::parse({reinterpret_cast<const char*>(data), size});
    if (header) DROVER_CHECK(header->backing_file.size() <= 1023);
    return 0;
}
