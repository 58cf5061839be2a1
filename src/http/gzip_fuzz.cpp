// The bound on decompressed data holds for every input, and what we compress comes back.

#include "http/gzip.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace drover::http;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    constexpr std::uint64_t limit_bytes = 100'000;
    const auto plain = gzip_decompress(text, limit_bytes);
    if (plain && plain->size() > limit_bytes) std::abort();
    if (gzip_decompress(gzip_compress(text), size) != text) std::abort();
    return 0;
}
