#pragma once

// What is said of each type of event: its category and its sentence.

#include <string>
#include <string_view>

#include "vim/history_types.hpp"

namespace drover::service {

struct EventKind {
    std::string_view type;         ///< "VmPoweredOnEvent"
    std::string_view category;     ///< info, warning, error or user
    std::string_view description;  ///< "VM powered on"
    std::string_view format;       ///< with paths in braces: "{vm.name} is powered on"
};

/// The entry of a type, or of the nearest of its bases that has one. There is always one.
const EventKind& kind_of(vim::TypeId event_type);

/// The category of an event: that of its type, or the severity that an EventEx carries.
std::string_view category_of(const vim::Event& event);

/// "vim.event.VmPoweredOnEvent"'s type and "VmPoweredOnEvent"'s; TypeId::none if it is no event.
vim::TypeId event_type_of(std::string_view name);

/// EventManager.description.
vim::EventDescription describe_events();

/// The sentence of an event in full.
std::string format_event(const vim::Event& event);

/// A format with the paths in braces replaced by what they lead to in `event`. Unset ones vanish.
std::string fill_format(const vim::Value& event, std::string_view format);

}  // namespace drover::service
