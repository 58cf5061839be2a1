#include "base/check.hpp"
#include "had/datastore/slot_format.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace drover;
    had::Names names;
    const ha::Tenure who{*names.host("00000000-0000-4000-8000-000000000001"), 7};
    if (const auto slot = had::decode_slot({data, size}, who, names)) {
        const auto again = had::decode_slot(had::encode_slot(*slot, names), who, names);
        DROVER_CHECK(again && again->sequence == slot->sequence);
    }
    return 0;
}
