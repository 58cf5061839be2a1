#pragma once

// Every rule that safety or order depends on has a name, and stands in the code as
//
//     if (kept(Rule::late_ack_is_void, now >= deadline)) return;
//
// In the product kept() is its second argument. A build with DROVER_HA_MUTANTS can drop one rule at
// a time: tests show by this that the simulation would notice.

#include <array>
#include <string_view>

namespace drover::ha {

enum class Rule {
    ack_counts_from_send,
    late_ack_is_void,
    takeover_waits,
    silence_from_own_first_read,
    silence_until_sent_read,
    both_channels_silent,
    promise_is_kept,
    promise_of_own_epoch,
    permit_within_promise,
    short_promise_first,
    one_slot_write,
    unreadable_is_unknown,
    beats_age_by_own_epoch,
    silence_in_named_etcd,
    etcd_counts_when_named,
    leases_before_slots,
    newer_epoch_waits,
    join_when_quiet,
    restarted_agent_joins_anew,
    fenced_until_joined,
    permit_checked_at_start,
    swap_decides_start,
    swap_decides_resume,
    resume_names_new_epoch,
    loser_kills,
    storage_fenced_before_start,
    pause_waits_for_writes,
    deadline_stops,
    undrained_is_stopped,
    stuck_writes_reset,
    watchdog_on_fresh_ack,
    restart_waits_for_own_writes,
    one_instance_per_host,
    two_channels_permit,
    accept_needs_permit,
    accept_needs_named_epoch,
    successor_counts_as_owner,
    source_waits_for_decline,
    source_ends_after_hand_over,
    declined_stays_declined,
    unguarded_is_alive,
    off_stays_off,
    dependencies_wait,
    priorities_wait,
    unread_holds_up_nobody,
    parallel_starts_bounded,
    failed_start_backs_off,
    planner_places,
};

inline constexpr std::size_t kRuleCount = static_cast<std::size_t>(Rule::planner_places) + 1;

#ifdef DROVER_HA_MUTANTS
/// The rule that is dropped; kRuleCount: none. One thread.
extern std::size_t dropped_rule;
inline bool kept(Rule rule, bool condition) {
    return static_cast<std::size_t>(rule) != dropped_rule && condition;
}
#else
constexpr bool kept(Rule, bool condition) {
    return condition;
}
#endif

/// The names, in the order of the enumeration.
const std::array<std::string_view, kRuleCount>& rule_names();

}  // namespace drover::ha
