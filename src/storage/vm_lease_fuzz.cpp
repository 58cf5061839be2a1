#include "base/check.hpp"
#include "storage/heartbeat_slots.hpp"
#include "storage/vm_lease.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace drover::storage;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    if (const auto lease = parse_lease(text, 7)) {
        DROVER_CHECK(lease->generation == 7);
        DROVER_CHECK(parse_lease(format_lease(*lease), 7) == *lease);
    }
    if (size >= HeartbeatRecord::kBytes) {
        const std::span<const std::uint8_t, HeartbeatRecord::kBytes> bytes(data,
                                                                           HeartbeatRecord::kBytes);
        if (const auto record = decode_heartbeat(bytes)) {
            DROVER_CHECK(decode_heartbeat(encode(*record)) == *record);
        }
    }
    return 0;
}
