// What drover-had tells of an incident, in the center's words. Who plans restarts is seldom the
// host where a machine is registered, and knows it by its UUID alone.

#include "center/availability/high_availability.hpp"
#include "center/compatibility/cpu_facts.hpp"
#include "center/tree/data.hpp"
#include "vim/history_types.hpp"

namespace drover::center {

using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::string_view kTimeline = "com.drover.HA.";
constexpr std::string_view kWaits = "com.drover.HA.WaitsEvent";
// As drover-had says it.
constexpr std::string_view kNoHost = "no host can take it";

std::string argument_of(const Value& event, std::string_view key) {
    const Value& list = event.property("arguments");
    if (list.kind() != vim::ValueKind::array) return {};
    for (const Value& each : list.elements()) {
        const Value& value = each.property("value");
        const bool is_it = each.property("key").as_string() == key;
        if (is_it && value.kind() == vim::ValueKind::string) return std::string(value.as_string());
    }
    return {};
}

vim::Event not_enough_resources(const std::string& why) {
    Value made = vim::make_object(TypeId::NotEnoughResourcesToStartVmEvent);
    set_property(made, "template", Value::boolean(false));
    set_property(made, "reason", Value::string(why));
    return vim::Event(made);
}

}  // namespace

void HighAvailability::name_machine(vim::Event& event) const {
    if (!event.is<vim::EventEx>()) return;
    const auto id = event.raw().property("eventTypeId").as_string();
    if (!id.starts_with(kTimeline)) return;
    if (!event.vm()) {
        const std::string uuid = argument_of(event.raw(), "uuid");
        if (uuid.empty()) return;
        for (const auto& [cluster, state] : clusters_) {
            const auto known = state.by_uuid.find(uuid);
            if (known == state.by_uuid.end()) continue;
            const MoRef machine{TypeId::VirtualMachine, known->second};
            auto argument = vim::VmEventArgument::make();
            argument.set_vm(machine);
            argument.set_name(name_of(parts().context, machine));
            event.set_vm(argument);
            std::string text(event.raw().property("message").as_string());
            if (text.starts_with(uuid + ": ")) text.erase(0, uuid.size() + 2);
            Value raw = event.raw();
            set_property(raw, "message", Value::string(text));
            set_property(raw, "fullFormattedMessage", Value::string(text));
            event = vim::Event(raw);
            break;
        }
    }
    const std::string why = argument_of(event.raw(), "why");
    if (!event.vm() || id != kWaits || why != kNoHost) return;
    auto told = not_enough_resources(why);
    told.set_vm(event.vm());
    if (event.host()) told.set_host(event.host());
    event = told;
}

}  // namespace drover::center
