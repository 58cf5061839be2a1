// What is accepted as a block is written back as the same bytes' value.

#include <cstddef>
#include <cstdint>

#include "base/check.hpp"
#include "center/history/block.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto series = drover::center::decode_block(bytes, 12);
    if (!series) return 0;
    const auto again = drover::center::decode_block(drover::center::encode_block(*series), 12);
    DROVER_CHECK(again && *again == *series);
    return 0;
}
