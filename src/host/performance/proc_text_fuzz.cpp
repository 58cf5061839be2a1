#include <cstddef>
#include <cstdint>
#include <string_view>

#include "host/host_system/facts.hpp"
#include "host/host_system/hardware.hpp"
#include "host/performance/usage.hpp"

// The texts of /proc and of the firmware that the host reads.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    drover::host::parse_net_dev(text);
    drover::host::boot_time_of(text);
    drover::host::firmware_date(text);
    return 0;
}
