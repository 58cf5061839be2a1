#include "base/check.hpp"
#include "had/etcd/beat_format.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
    using namespace drover;
    had::Names names;
    const std::string key = std::string(had::kBeatKeys) + "00000000-0000-4000-8000-000000000001";
    const std::string_view value(reinterpret_cast<const char*>(data), size);
    if (const auto beat = had::parse_beat(key, value, names)) {
        const auto text = had::format_beat(*beat, names);
        const auto again = had::parse_beat(key, text, names);
        DROVER_CHECK(again && again->sequence == beat->sequence && again->who == beat->who);
        DROVER_CHECK(text < had::above_epoch(beat->who.epoch));
    }
    return 0;
}
