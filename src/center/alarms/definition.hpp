#pragma once

// What a client defines as an alarm, checked and made ready for looking.

#include <string_view>

#include "center/alarms/condition.hpp"

namespace drover::center {

/// The expression of an alarm with its settings.
struct Definition {
    Condition condition;
    std::int32_t tolerance = 0;                  ///< hundredths of a percent
    std::chrono::seconds reporting_interval{0};  ///< between one trigger and the next
};

/// Reads a spec. InvalidArgument naming the property for whatever could not be done as it is asked:
/// types and properties that there are not, counters that nobody measures, actions.
Definition definition_of(const vim::AlarmSpec& spec);

/// InvalidName for an empty name, one of more than 80 characters or with control characters.
void check_alarm_name(std::string_view name);

/// "VirtualMachine" and "vim.VirtualMachine", if it is a type of managed entities; else none.
vim::TypeId entity_type_of(std::string_view name);

/// The types of entities that a condition can be about. Empty: whatever its events are about.
std::vector<vim::TypeId> types_of(const Condition& condition);

}  // namespace drover::center
