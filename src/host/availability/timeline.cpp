#include "host/availability/timeline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/check.hpp"
#include "host/events/event_arguments.hpp"
#include "host/references.hpp"
#include "service/history/event_log.hpp"
#include "vim/history_types.hpp"
#include "vim/types.hpp"

namespace drover::host {

using vim::TypeId;
using vim::Value;

namespace {

constexpr std::size_t kLongestWord = 64;
constexpr std::size_t kLongestText = 1024;
// Sooner, the event's own time says it.
constexpr double kLate_s = 2;

// The machine's own events tell that it is off.
bool is_told_elsewhere(std::string_view what, bool is_asked_for) {
    return what == "released" || (is_asked_for && (what == "taking" || what == "started"));
}

std::string_view severity_of(std::string_view what) {
    static constexpr std::array<std::string_view, 2> errors{"permit_lost", "start_failed"};
    static constexpr std::array<std::string_view, 5> warnings{"host_over", "waits", "isolated",
                                                              "killed_for_other", "lost_swap"};
    if (std::ranges::find(errors, what) != errors.end()) return "error";
    return std::ranges::find(warnings, what) != warnings.end() ? "warning" : "info";
}

std::string message_of(const TimelineNote& note) {
    std::string text = note.text.substr(0, kLongestText);
    if (note.ago_s >= kLate_s) text += fmt::format(" ({:.0f} s before)", note.ago_s);
    return text;
}

void set(Value& object, std::string_view property, Value value) {
    const auto slot = vim::describe(object.type()).find_property(property);
    DROVER_CHECK(slot.has_value());
    object.set_slot(*slot, std::move(value));
}

Value text_of(std::string_view text) {
    return Value::string(std::string(text));
}

Value argument(std::string_view key, std::string_view text) {
    auto made = vim::KeyAnyValue::make();
    made.set_key(key);
    made.set_value(text_of(text));
    return made.raw();
}

vim::HostEventArgument this_host(const HostContext& context) {
    auto argument = vim::HostEventArgument::make();
    argument.set_host(references::host);
    argument.set_name(entity_name(context.inventory, references::host));
    return argument;
}

}  // namespace

std::string event_id_of(std::string_view what) {
    std::string id = "com.drover.HA.";
    bool is_first = true;
    for (const char c : what.substr(0, kLongestWord)) {
        const bool is_letter = c >= 'a' && c <= 'z';
        if (is_letter) id += is_first ? static_cast<char>(c - 'a' + 'A') : c;
        is_first = !is_letter;
    }
    return id + "Event";
}

void post_note(const HostContext& context, Machines& machines, const TimelineNote& note,
               bool is_asked_for) {
    if (is_told_elsewhere(note.what, is_asked_for)) return;
    const auto machine = note.machine.empty()
                             ? MachinePtr()
                             : machines.find_by_uuid(hypervisor::DomainUuid(note.machine));
    const auto* object = machine ? context.inventory.find(machine->ref) : nullptr;
    auto message = message_of(note);
    std::vector<Value> arguments;
    if (!note.why.empty()) arguments.push_back(argument("why", note.why));
    if (!note.machine.empty() && object == nullptr) {
        message = note.machine + ": " + message;
        arguments.push_back(argument("uuid", note.machine));
    }
    Value extended = vim::make_object(TypeId::EventEx);
    set(extended, "eventTypeId", text_of(event_id_of(note.what)));
    set(extended, "severity", text_of(severity_of(note.what)));
    set(extended, "message", text_of(message));
    set(extended, "arguments", Value::array(TypeId::KeyAnyValue, std::move(arguments)));
    vim::Event event(extended);
    event.set_fullFormattedMessage(message);
    if (object != nullptr) event.set_vm(vm_argument(*object));
    event.set_host(this_host(context));
    context.events.post(event);
}

void post_failover_failed(const HostContext& context, const Machine& machine,
                          const vim::Fault& reason) {
    const auto* object = context.inventory.find(machine.ref);
    if (object == nullptr) return;
    Value made = vim::make_object(TypeId::VmFailoverFailed);
    set(made, "reason", reason.localized().raw());
    set(made, "template", Value::boolean(is_template(*object)));
    vim::Event event(made);
    event.set_vm(vm_argument(*object));
    event.set_host(this_host(context));
    context.events.post(event);
}

}  // namespace drover::host
