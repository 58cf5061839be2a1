#include <algorithm>
#include <system_error>
#include <utility>

#include "base/file.hpp"
#include "rootd/operations.hpp"

namespace drover::rootd {
namespace {

constexpr std::size_t kMaxEntryBytes = 4096;

// Firmware pads with blanks and may hold anything; only printable ASCII goes on.
std::string read_entry(const std::filesystem::path& path) {
    std::string text;
    try {
        text = base::read_file(path, kMaxEntryBytes);
    } catch (const std::system_error&) {
        return {};
    }
    std::erase_if(text, [](char c) { return c < 0x20 || c > 0x7e; });
    const auto first = text.find_first_not_of(' ');
    if (first == std::string::npos) return {};
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

}  // namespace

Message system_identity(const Policy& policy) {
    constexpr std::pair<const char*, const char*> kEntries[] = {
        {"uuid", "product_uuid"},  {"serial", "product_serial"},     {"vendor", "sys_vendor"},
        {"model", "product_name"}, {"bios_version", "bios_version"}, {"bios_date", "bios_date"},
    };
    Message identity;
    for (const auto& [field, file] : kEntries) {
        std::string text = read_entry(policy.dmi_directory / file);
        if (!text.empty()) identity[field] = std::move(text);
    }
    if (const auto uuid = identity.find("uuid"); uuid != identity.end()) {
        std::ranges::transform(uuid->second, uuid->second.begin(), [](char c) {
            return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        });
    }
    return identity;
}

}  // namespace drover::rootd
