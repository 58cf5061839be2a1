#include "host/files/partial_uploads.hpp"

#include <charconv>
#include <utility>

namespace drover::host::files {

namespace {

// Takes a number off the front of a text, and the character that must stand behind it.
std::optional<std::uint64_t> take_number(std::string_view& text, char behind) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (behind == '\0') return text.empty() ? std::optional(number) : std::nullopt;
    if (!text.starts_with(behind)) return std::nullopt;
    text.remove_prefix(1);
    return number;
}

}  // namespace

std::optional<ContentRange> parse_content_range(std::string_view text) {
    constexpr std::string_view kUnit = "bytes ";
    constexpr std::string_view kAsks = "*/";
    if (!text.starts_with(kUnit)) return std::nullopt;
    text.remove_prefix(kUnit.size());
    ContentRange range;
    std::uint64_t end = 0;
    if (text.starts_with(kAsks)) {
        text.remove_prefix(kAsks.size());
    } else {
        const auto first = take_number(text, '-');
        const auto last = first ? take_number(text, '/') : std::nullopt;
        if (!last || *last < *first || *last == UINT64_MAX) return std::nullopt;
        end = *last + 1;
        range.first_byte = *first;
        range.size_bytes = end - *first;
    }
    const auto total = take_number(text, '\0');
    if (!total || *total == 0 || end > *total) return std::nullopt;
    range.total_bytes = *total;
    return range;
}

std::uint64_t PartialUploads::received(const Key& key, std::uint64_t total_bytes) const {
    const std::lock_guard lock(mutex_);
    const auto found = uploads_.find(key);
    const bool same = found != uploads_.end() && found->second.total_bytes == total_bytes;
    return same ? found->second.received_bytes : 0;
}

std::optional<PartialUploads::Turn> PartialUploads::begin(const Key& key, std::uint64_t total_bytes,
                                                          Left fresh, Left& replaced) {
    const std::lock_guard lock(mutex_);
    if (uploads_.size() >= kMost && !uploads_.contains(key)) return std::nullopt;
    Upload& upload = uploads_[key];
    replaced = std::move(upload.left);
    upload = {++last_number_, total_bytes, 0, std::move(fresh), clock_.steady_now() + kKept};
    return Turn{upload.number, upload.left.writer, 0};
}

std::optional<PartialUploads::Turn> PartialUploads::go_on(const Key& key, std::uint64_t total_bytes,
                                                          std::uint64_t from_byte) {
    const std::lock_guard lock(mutex_);
    const auto found = uploads_.find(key);
    if (found == uploads_.end()) return std::nullopt;
    Upload& upload = found->second;
    if (upload.total_bytes != total_bytes || upload.received_bytes != from_byte) {
        return std::nullopt;
    }
    upload.number = ++last_number_;
    upload.until = clock_.steady_now() + kKept;
    return Turn{upload.number, upload.left.writer, upload.received_bytes};
}

PartialUploads::Upload* PartialUploads::find(const Key& key, const Turn& turn) {
    const auto found = uploads_.find(key);
    const bool is_turn = found != uploads_.end() && found->second.number == turn.number;
    return is_turn ? &found->second : nullptr;
}

bool PartialUploads::note(const Key& key, const Turn& turn, std::uint64_t received_bytes) {
    const std::lock_guard lock(mutex_);
    Upload* upload = find(key, turn);
    if (upload == nullptr) return false;
    upload->received_bytes = received_bytes;
    upload->until = clock_.steady_now() + kKept;
    return true;
}

bool PartialUploads::end(const Key& key, const Turn& turn) {
    const std::lock_guard lock(mutex_);
    if (find(key, turn) == nullptr) return false;
    uploads_.erase(key);
    return true;
}

std::optional<PartialUploads::Left> PartialUploads::take_old() {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.steady_now();
    for (auto at = uploads_.begin(); at != uploads_.end(); ++at) {
        if (at->second.until > now) continue;
        Left left = std::move(at->second.left);
        uploads_.erase(at);
        return left;
    }
    return std::nullopt;
}

bool PartialUploads::start_sweeping() {
    const std::lock_guard lock(mutex_);
    return !std::exchange(is_swept_, true);
}

bool PartialUploads::stop_sweeping_if_empty() {
    const std::lock_guard lock(mutex_);
    if (uploads_.empty()) is_swept_ = false;
    return !is_swept_;
}

}  // namespace drover::host::files
