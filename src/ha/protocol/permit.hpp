#pragma once

#include <algorithm>

#include "ha/protocol/ids.hpp"
#include "ha/protocol/rules.hpp"
#include "ha/protocol/timing.hpp"

namespace drover::ha {

/// Until when a host may let its machines write. Both times are those at which a request was sent
/// that has been acknowledged since: others can't have seen the host silent for longer.
struct Permit {
    Epoch epoch = 0;
    Time etcd = kNever;
    Time storage = kNever;
    /// The slot carries the short promise, or may carry it: a write of it is under way.
    bool is_short = true;

    Time last() const { return std::max(etcd, storage); }
    Time deadline(const Timing& timing) const {
        const Time beat = kept(Rule::two_channels_permit, true) ? last() : etcd;
        const Time either = beat + timing.permit;
        const Time promised = storage + (is_short ? timing.permit : timing.long_permit);
        return kept(Rule::permit_within_promise, promised < either) ? promised : either;
    }
};

}  // namespace drover::ha
