#pragma once

// One hour of samples for each machine and the host.
//
// A series is a ring of numbers that is only allocated once its value changes: most counters of
// most machines stand still (an idle disk, a balloon that is not used), and then cost a few words.
// It grows with the samples, and takes two bytes for each as long as all its numbers fit.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/clock.hpp"
#include "host/performance/counters.hpp"

namespace drover::host {

/// One number of a sample. `instance` is the device ("scsi0:0", "4000", a vCPU's number); empty for
/// the whole.
struct Reading {
    Counter counter;
    std::string instance;
    std::uint32_t value;
};

class History {
public:
    static constexpr std::size_t kSamples = 180;
    static constexpr std::uint32_t kMissing = UINT32_MAX;
    /// A machine may have this many series; more (a hostile number of devices) are left out.
    static constexpr std::size_t kMostSeries = 2'000;

    class Series {
    public:
        Counter counter() const { return counter_; }
        const std::string& instance() const { return *instance_; }

    private:
        friend class History;
        void push(std::uint64_t sample, std::uint32_t value);
        std::uint32_t at(std::size_t place) const;
        void put(std::size_t place, std::uint32_t value);
        void make_room(std::size_t capacity, bool wide);

        const std::string* instance_ = nullptr;  // one of History::instances_
        std::unique_ptr<std::byte[]> values_;    // 16 or 32 bits each
        std::uint32_t first_ = 0;                // number of the first sample
        std::uint32_t last_seen_ = 0;            // number of the last one that had a value
        std::uint32_t constant_ = 0;             // all values, while there is no ring
        Counter counter_{};
        std::uint8_t capacity_ = 0;
        bool wide_ = false;
    };

    /// What is known of one entity. Valid until the next change of the history.
    class View {
    public:
        /// Samples are numbered; these are kept.
        std::uint64_t begin() const;
        std::uint64_t end() const;
        base::WallTime time(std::uint64_t sample) const;
        /// In the order of counter and instance.
        std::span<const Series> series() const;
        /// kMissing where the series has no value.
        std::uint32_t value(const Series& series, std::uint64_t sample) const;

    private:
        friend class History;
        explicit View(const struct HistoryEntity* entity) : entity_(entity) {}
        const HistoryEntity* entity_;
    };

    History();
    ~History();
    History(const History&) = delete;
    History& operator=(const History&) = delete;

    /// Adds a sample of an entity. Times are kept in whole seconds and must not go back: a sample
    /// that is not after the last one is dropped (the clock was set back).
    void record(const std::string& entity, base::WallTime at, std::span<const Reading> readings);
    void forget(const std::string& entity);

    /// Nothing if the entity has no samples.
    std::optional<View> find(std::string_view entity) const;
    std::vector<std::string> entities() const;

private:
    const std::string* instance(const std::string& text);

    std::unordered_map<std::string, std::unique_ptr<HistoryEntity>> entities_;
    /// The names of all instances, each once. Few: those of devices and datastores.
    std::unordered_set<std::string> instances_;
};

}  // namespace drover::host
