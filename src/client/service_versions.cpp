// The file is a flat list, the same since VI3, so it is scanned for <version> elements rather than
// read as a document:
//
//   <namespaces version="1.0"><namespace><name>urn:vim25</name><version>6.7</version>
//     <priorVersions><version>6.5</version>...</priorVersions></namespace></namespaces>

#include "client/service_versions.hpp"

#include <algorithm>

namespace drover::client {
namespace {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    const auto begin = text.find_first_not_of(kBlank);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

// Takes the text of the next such element off `rest`; nothing if there is none.
std::optional<std::string_view> take_element(std::string_view& rest, std::string_view open,
                                             std::string_view close) {
    const auto begin = rest.find(open);
    if (begin == std::string_view::npos) return std::nullopt;
    const auto end = rest.find(close, begin + open.size());
    if (end == std::string_view::npos) return std::nullopt;
    const auto inner = rest.substr(begin + open.size(), end - begin - open.size());
    rest.remove_prefix(end + close.size());
    return inner;
}

}  // namespace

std::optional<vim::Release> choose_release(std::string_view service_versions) {
    std::optional<vim::Release> best;
    while (auto space = take_element(service_versions, "<namespace>", "</namespace>")) {
        const auto name = take_element(*space, "<name>", "</name>");
        if (!name || trimmed(*name) != "urn:vim25") continue;
        while (const auto version = take_element(*space, "<version>", "</version>")) {
            const auto release = vim::find_release(trimmed(*version));
            // Only what both name alike: "the next older" of a release between two of ours might
            // have types that the server does not.
            if (!release || vim::release_name(*release) != trimmed(*version)) continue;
            const auto served = vim::served_releases();
            if (std::ranges::find(served, *release) == served.end()) continue;
            if (!best || *release > *best) best = release;
        }
    }
    return best;
}

}  // namespace drover::client
