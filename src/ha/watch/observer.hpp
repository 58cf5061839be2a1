#pragma once

// What this host has seen of the others, and what follows: silent, or not, or unknown. Silence is
// counted from the arrival of the answer that showed the last change to the sending of the last
// read that showed none, so it is never longer than the truth.

#include <span>
#include <string_view>
#include <vector>

#include "ha/protocol/heartbeat.hpp"
#include "ha/protocol/ids.hpp"
#include "ha/protocol/timing.hpp"

namespace drover::ha {

/// Why a tenure is over; `not_over` and `unknown` keep its machines where they are.
enum class Verdict { not_over, unknown, both_silent, promise_past, newer_epoch };
std::string_view text_of(Verdict verdict);

/// For how long a host has given no sign on a channel, as far as it was looked at; less than zero:
/// nobody looked.
struct Silence {
    Duration etcd{-1};
    Duration storage{-1};
};

class Observer {
public:
    explicit Observer(const Timing& timing) : timing_(timing) {}

    /// In a new epoch everything counts from the first read.
    void reset();

    /// From now on beats are read from this etcd; what was silent in another means nothing.
    void begin_etcd(EtcdId etcd);

    /// All beats that etcd had; `sent` and `now` are of the request and of its answer.
    void saw_beats(std::span<const Beat> beats, Time sent, Time now);
    /// All slots, of all epochs; same times.
    void saw_slots(std::span<const Slot> slots, Time sent, Time now);

    /// Whether others may take what the tenure owns.
    Verdict judge(const Tenure& owner) const;
    bool is_over(const Tenure& owner) const {
        const auto verdict = judge(owner);
        return verdict != Verdict::not_over && verdict != Verdict::unknown;
    }

    /// When a host that has been silent for a while could be found over at the earliest, if reads
    /// sent then show no sign either; kNever: no host is that silent. Later than the last read.
    Time next_verdict() const;

    /// The highest epoch seen of a host, own one included; 0: none.
    Epoch newest_epoch(HostId host) const;
    Silence silence_of(HostId host) const;
    /// The newest epoch in which the host has written a heartbeat; 0: none was seen.
    Epoch entered_epoch(HostId host) const;
    /// Whether the host gave a sign within this time, on any channel: something changed while this
    /// host was looking. What the first read shows may be old.
    bool heard(HostId host, Time now, Duration within) const;
    /// The host's newest own word; null if it never said any.
    ReportPtr report(HostId host) const;
    /// Whether any other host reached etcd of late, as its slot says.
    bool others_reach_etcd(HostId self, Time now) const;
    std::vector<HostId> hosts() const;
    Time etcd_read_sent() const { return etcd_read_; }
    Time storage_read_sent() const { return storage_read_; }

private:
    struct SlotSeen {
        Epoch epoch = 0;
        std::uint64_t sequence = 0;
        Duration promise{};
        EtcdId etcd = 0;
        bool etcd_ok = false;
    };
    struct Seen {
        Epoch beat_epoch = 0;
        std::uint64_t beat_sequence = 0;
        bool has_beat = false;
        bool is_lively = false;      ///< something changed after the first read
        Time beat_changed = kNever;  ///< kNever: not read yet
        std::vector<SlotSeen> slots{};
        Time slot_changed = kNever;
        Epoch newest = 0;  ///< of its slots' names: it may have gone unused
        /// The newest that the host has written a heartbeat in. A slot alone is no proof: of an
        /// agent that died its creation may arrive after the next agent has joined in an older one.
        Epoch entered = 0;
        Time entered_since = kNever;
        ReportPtr report{};
    };
    Seen& seen(HostId host);
    static Time last_sign(const Seen& host);
    static bool was_sent_before_slots(const Seen& host, const Beat& beat);
    void saw_slot(const Slot& slot, Time now);
    Verdict judge_silence(const Seen& seen, const Tenure& owner) const;

    Timing timing_;
    std::vector<Seen> hosts_;  ///< by number
    EtcdId etcd_ = 0;
    Time etcd_read_ = kNever;
    Time storage_read_ = kNever;
};

}  // namespace drover::ha
