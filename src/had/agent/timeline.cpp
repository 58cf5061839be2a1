#include "had/agent/timeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

namespace drover::had {

namespace {

// Nobody looked for so long: there is no such channel.
constexpr ha::Duration kNoChannel = std::chrono::hours{24};

void add_silence(std::string& text, const char* channel, ha::Duration silent) {
    if (silent < ha::Duration::zero() || silent > kNoChannel) return;
    const double seconds = static_cast<double>(silent.count()) * 1e-6;
    text += fmt::format("{} {} silent for {:.1f} s", text.empty() ? ":" : ",", channel, seconds);
}

}  // namespace

void Timeline::know(const Config& config) {
    const auto& hosts = config.catalogue.hosts;
    const auto& shapes = config.catalogue.shape.hosts;
    for (std::size_t at = 0; at < std::min(hosts.size(), shapes.size()); ++at) {
        host_names_[names_.uuid_of(hosts[at])] = shapes[at].name;
    }
}

std::string Timeline::name_of(ha::HostId host) const {
    auto uuid = names_.uuid_of(host);
    const auto found = host_names_.find(uuid);
    return found == host_names_.end() ? std::move(uuid) : found->second;
}

std::string Timeline::words_of(const ha::Note& note) const {
    std::string text(ha::text_of(note.what));
    if (note.about.host != ha::kNoHost) {
        text += fmt::format(" ({}", name_of(note.about.host));
        if (note.about.epoch != 0) text += fmt::format(", epoch {}", note.about.epoch);
        text += ')';
    }
    if (!note.why.empty()) text += fmt::format(": {}", note.why);
    std::string silence;
    add_silence(silence, "datastore", note.storage_silent);
    add_silence(silence, "etcd", note.etcd_silent);
    return text + silence;
}

void Timeline::keep(const ha::Note& note, ha::Time now) {
    if (kept_.size() >= kMostKept) kept_.pop_front();
    kept_.push_back({now, ha::word_of(note.what), std::string(note.why), words_of(note),
                     note.machine ? names_.uuid_of(*note.machine) : std::string()});
}

std::deque<std::string> Timeline::take(ha::Time now) {
    std::deque<std::string> lines;
    for (const auto& each : std::exchange(kept_, {})) {
        const auto ago = std::chrono::duration_cast<std::chrono::milliseconds>(now - each.when);
        nlohmann::ordered_json json{
            {"tell", "note"}, {"what", each.word}, {"text", each.text}, {"ago_ms", ago.count()}};
        if (!each.why.empty()) json["why"] = each.why;
        if (!each.machine.empty()) json["machine"] = each.machine;
        lines.push_back(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    }
    return lines;
}

}  // namespace drover::had
