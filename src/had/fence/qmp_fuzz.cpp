#include "had/fence/qmp.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    (void)drover::had::parse_qmp({reinterpret_cast<const char*>(data), size});
    return 0;
}
