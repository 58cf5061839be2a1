#include <cstddef>
#include <cstdint>

#include "client/service_versions.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    drover::client::choose_release({reinterpret_cast<const char*>(data), size});
    return 0;
}
