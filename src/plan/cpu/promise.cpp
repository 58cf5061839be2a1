#include "plan/cpu/promise.hpp"

#include <algorithm>
#include <vector>

namespace drover::plan {

namespace {

constexpr std::size_t kMostNameBytes = 64;

bool is_name(std::string_view text) {
    return !text.empty() && text.size() <= kMostNameBytes &&
           std::ranges::all_of(text, [](char letter) {
               return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') ||
                      letter == '-' || letter == '_' || letter == '.';
           });
}

}  // namespace

std::string text_of(const Promise& promise) {
    std::string text = promise.mode + '|';
    for (const std::string& name : promise.features.names()) {
        if (text.back() != '|') text += ',';
        text += name;
    }
    return text;
}

std::expected<Promise, std::string> parse_promise(std::string_view text) {
    const auto bar = text.find('|');
    if (bar == std::string_view::npos) return std::unexpected("It has no '|' after the mode.");
    Promise promise;
    promise.mode = text.substr(0, bar);
    if (!promise.mode.empty() && !is_name(promise.mode)) {
        return std::unexpected("The mode is no name.");
    }
    std::vector<std::string> names;
    for (text.remove_prefix(bar + 1); !text.empty();) {
        const auto comma = std::min(text.find(','), text.size());
        const std::string_view name = text.substr(0, comma);
        if (!is_name(name)) return std::unexpected("A feature has no name, or a wrong one.");
        names.emplace_back(name);
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    promise.features = FeatureSet(std::move(names));
    return promise;
}

std::string text_of(const Cpu& cpu) {
    return text_of(Promise{std::string(text_of(cpu.vendor)), cpu.features});
}

std::expected<Cpu, std::string> parse_cpu(std::string_view text) {
    auto parsed = parse_promise(text);
    if (!parsed) return std::unexpected(std::move(parsed.error()));
    return Cpu{cpu_vendor(parsed->mode), std::move(parsed->features)};
}

}  // namespace drover::plan
