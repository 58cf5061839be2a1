#include "had/agent/message.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    (void)drover::had::parse_message({reinterpret_cast<const char*>(data), size});
    return 0;
}
