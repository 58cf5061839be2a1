#include "host/performance/history.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <tuple>

namespace drover::host {

struct HistoryEntity {
    std::array<std::uint32_t, History::kSamples> times{};  // seconds since 1970, good until 2106
    std::uint64_t count = 0;                               // samples ever
    std::vector<History::Series> series;
};

namespace {

constexpr std::uint16_t kNarrowMissing = UINT16_MAX;

template <class Number>
Number load(const std::byte* values, std::size_t place) {
    Number number;
    std::memcpy(&number, values + place * sizeof(Number), sizeof(Number));
    return number;
}

template <class Number>
void store(std::byte* values, std::size_t place, Number number) {
    std::memcpy(values + place * sizeof(Number), &number, sizeof(Number));
}

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
    return series.values_ ? series.at(sample % kSamples) : series.constant_;
}

History::History() = default;
History::~History() = default;

static_assert(History::kSamples <= UINT8_MAX);

std::uint32_t History::Series::at(std::size_t place) const {
    if (wide_) return load<std::uint32_t>(values_.get(), place);
    const auto narrow = load<std::uint16_t>(values_.get(), place);
    return narrow == kNarrowMissing ? kMissing : narrow;
}

void History::Series::put(std::size_t place, std::uint32_t value) {
    if (wide_) {
        store(values_.get(), place, value);
    } else {
        const bool missing = value == kMissing;
        store(values_.get(), place, missing ? kNarrowMissing : static_cast<std::uint16_t>(value));
    }
}

// Keeps what there is.
void History::Series::make_room(std::size_t capacity, bool wide) {
    Series larger;
    larger.capacity_ = static_cast<std::uint8_t>(capacity);
    larger.wide_ = wide;
    larger.values_ = std::make_unique_for_overwrite<std::byte[]>(
        capacity * (wide ? sizeof(std::uint32_t) : sizeof(std::uint16_t)));
    for (std::size_t i = 0; i < capacity; ++i) larger.put(i, i < capacity_ ? at(i) : constant_);
    values_ = std::move(larger.values_);
    capacity_ = larger.capacity_;
    wide_ = wide;
}

void History::Series::push(std::uint64_t sample, std::uint32_t value) {
    if (!values_ && value == constant_) return;
    const auto is_wide = [](std::uint32_t number) {
        return number >= kNarrowMissing && number != kMissing;
    };
    const bool wide = wide_ || is_wide(value) || (!values_ && is_wide(constant_));
    const std::size_t place = sample % kSamples;
    const std::size_t needed = sample >= kSamples ? kSamples : place + 1;
    if (needed > capacity_ || wide != wide_) {
        constexpr std::size_t first_step = 8;
        std::size_t capacity = std::max<std::size_t>(capacity_, first_step);
        while (capacity < needed) capacity = std::min(capacity * 2, kSamples);
        make_room(capacity, wide);
    }
    put(place, value);
}

const std::string* History::instance(const std::string& text) {
    return &*instances_.insert(text).first;
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
        return std::tuple<Counter, std::string_view>(series.counter_, series.instance());
    };
    for (const Reading& reading : readings) {
        const std::tuple<Counter, std::string_view> wanted(reading.counter, reading.instance);
        auto found = std::ranges::lower_bound(known.series, wanted, {}, key);
        if (found == known.series.end() || key(*found) != wanted) {
            if (known.series.size() >= kMostSeries) continue;
            found = known.series.emplace(found);
            found->counter_ = reading.counter;
            found->instance_ = instance(reading.instance);
            found->first_ = static_cast<std::uint32_t>(sample);
            found->constant_ = reading.value;
        } else {
            found->push(sample, reading.value);
        }
        found->last_seen_ = static_cast<std::uint32_t>(sample);
    }
    for (Series& series : known.series) {
        if (series.last_seen_ != sample) series.push(sample, kMissing);
    }
    // A device that has been gone for as long as we remember is forgotten.
    std::erase_if(known.series,
                  [&](const Series& series) { return series.last_seen_ + kSamples <= sample; });
    if (sample == 0) known.series.shrink_to_fit();  // mostly there will be no more
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
