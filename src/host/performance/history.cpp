#include "host/performance/history.hpp"

#include <algorithm>
#include <tuple>

namespace drover::host {

struct HistoryEntity {
    std::array<std::uint32_t, History::kSamples> times{};  // seconds since 1970, good until 2106
    std::uint64_t count = 0;                               // samples ever
    std::vector<History::Series> series;
};

namespace {

std::uint32_t whole_seconds(base::WallTime at) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count();
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(seconds, 0, UINT32_MAX));
}

}  // namespace

std::uint64_t History::View::begin() const {
    return entity_->count > kSamples ? entity_->count - kSamples : 0;
}

std::uint64_t History::View::end() const {
    return entity_->count;
}

base::WallTime History::View::time(std::uint64_t sample) const {
    return base::WallTime(std::chrono::seconds(entity_->times[sample % kSamples]));
}

std::span<const History::Series> History::View::series() const {
    return entity_->series;
}

std::uint32_t History::View::value(const Series& series, std::uint64_t sample) const {
    if (sample < series.first_) return kMissing;
    return series.values_ ? (*series.values_)[sample % kSamples] : series.constant_;
}

History::History() = default;
History::~History() = default;

void History::push(Series& series, std::uint64_t sample, std::uint32_t value) {
    if (!series.values_) {
        if (value == series.constant_) return;
        series.values_ = std::make_unique<Series::Ring>();
        series.values_->fill(series.constant_);
    }
    (*series.values_)[sample % kSamples] = value;
}

void History::record(const std::string& entity, base::WallTime at,
                     std::span<const Reading> readings) {
    auto& slot = entities_[entity];
    if (!slot) slot = std::make_unique<HistoryEntity>();
    HistoryEntity& known = *slot;
    const std::uint32_t seconds = whole_seconds(at);
    const std::uint64_t sample = known.count;
    if (sample > 0 && seconds <= known.times[(sample - 1) % kSamples]) return;
    known.times[sample % kSamples] = seconds;
    const auto key = [](const Series& series) {
        return std::tuple<Counter, std::string_view>(series.counter_, series.instance_);
    };
    for (const Reading& reading : readings) {
        const std::tuple<Counter, std::string_view> wanted(reading.counter, reading.instance);
        auto found = std::ranges::lower_bound(known.series, wanted, {}, key);
        if (found == known.series.end() || key(*found) != wanted) {
            if (known.series.size() >= kMostSeries) continue;
            found = known.series.emplace(found);
            found->counter_ = reading.counter;
            found->instance_ = reading.instance;
            found->first_ = sample;
            found->constant_ = reading.value;
        } else {
            push(*found, sample, reading.value);
        }
        found->last_seen_ = sample;
    }
    for (Series& series : known.series) {
        if (series.last_seen_ != sample) push(series, sample, kMissing);
    }
    // A device that has been gone for as long as we remember is forgotten.
    std::erase_if(known.series,
                  [&](const Series& series) { return series.last_seen_ + kSamples <= sample; });
    known.count = sample + 1;
}

void History::forget(const std::string& entity) {
    entities_.erase(entity);
}

std::optional<History::View> History::find(std::string_view entity) const {
    const auto at = entities_.find(std::string(entity));
    if (at == entities_.end() || at->second->count == 0) return std::nullopt;
    return View(at->second.get());
}

std::vector<std::string> History::entities() const {
    std::vector<std::string> names;
    names.reserve(entities_.size());
    for (const auto& [name, entity] : entities_) names.push_back(name);
    return names;
}

}  // namespace drover::host
