// Each host is told what it protects, by its option Drover.availability. What it shows of that
// option is the truth: whatever this center remembers, a host that shows something else is told
// again.

#include <fmt/format.h>

#include "base/log.hpp"
#include "center/availability/high_availability.hpp"
#include "center/compatibility/cpu_facts.hpp"
#include "center/hosts/shown_option.hpp"
#include "center/tree/data.hpp"
#include "service/availability_option.hpp"
#include "vim/management_types.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::chrono::seconds kCallLimit{15};
constexpr std::chrono::seconds kAgain{3};
// drover-had may be restarted, or wait for its datastore, for a while.
constexpr std::chrono::seconds kMissed{20};

}  // namespace

std::string das_state_of(const CenterContext& context, const MoRef& host) {
    const auto* object = context.inventory.find(host);
    if (object == nullptr) return {};
    const Value& runtime = object->property(vim::property::HostSystem::runtime);
    const Value state = runtime ? runtime.property("dasHostState") : Value{};
    return state ? std::string(state.property("state").as_string()) : std::string();
}

bool HighAvailability::is_told(const MoRef& host, const std::string& text) const {
    const auto state = hosts_.find(host.id);
    if (state != hosts_.end() && state->second.was_told && state->second.told == text) return true;
    return shown_option(parts().context, host, service::kAvailabilityOption) == text;
}

void HighAvailability::tell_hosts() {
    parts().hosts.for_each([&](const Host& host) {
        HostState& state = hosts_[host.ref.id];
        const bool is_there = host.link && host.link->state() == LinkState::connected;
        if (!is_there) {
            state.was_told = false;
            state.next = {};
            return;
        }
        if (state.is_busy || now() < state.next) return;
        const auto shown = shown_option(parts().context, host.ref, service::kAvailabilityOption);
        if (!shown) return;
        const auto cluster = clusters_.find(host.compute_resource.id);
        // A cluster that was not looked at yet must not be switched off by a center that starts.
        if (cluster != clusters_.end() && cluster->second.next == base::SteadyTime{}) return;
        const std::string wanted =
            cluster == clusters_.end() ? std::string() : cluster->second.text;
        if (*shown == wanted) {
            state.was_told = false;
            return;
        }
        if (state.was_told && state.told == wanted) return;
        state.is_busy = true;
        parts().context.runtime.spawn("high availability of " + host.name, tell(host.ref, wanted));
    });
    std::erase_if(hosts_, [this](const auto& item) {
        return parts().hosts.find({TypeId::HostSystem, item.first}) == nullptr;
    });
}

Awaitable<void> HighAvailability::tell(MoRef host, std::string text) {
    std::string problem;
    try {
        Host* there = parts().hosts.find(host);
        if (there == nullptr) throw vim::object_not_found(host);
        const auto options = there->link->content().setting();
        if (!options) throw vim::make_fault<vim::NotSupported>("The host has no options.");
        auto option = vim::OptionValue::make();
        option.set_key(service::kAvailabilityOption);
        option.set_value(Value::string(text));
        auto request = vim::UpdateOptionsRequest::make();
        request.set_changedValue({option});
        co_await there->link->call("UpdateOptions", *options, request, kCallLimit);
    } catch (const std::exception& error) {
        problem = error.what();
    }
    HostState& state = hosts_[host.id];
    state.is_busy = false;
    state.was_told = problem.empty();
    state.told = std::move(text);
    // Also if all went well: it is to show it by then.
    state.next = now() + (problem.empty() ? std::chrono::seconds{0} : kAgain);
    if (!problem.empty() && problem != state.problem) {
        base::log_warning("host {} was not told what it protects: {}", host.id, problem);
    }
    state.problem = std::move(problem);
}

// A silent host can't say it, and those that took its machines over know it.
void HighAvailability::show_down(const Host& host) {
    constexpr std::string_view kDown = "hostDown";
    if (das_state_of(parts().context, host.ref) == kDown) return;
    model::Transaction transaction(parts().context.inventory);
    if (!transaction.exists(host.ref)) return;
    Value runtime = transaction.get(host.ref, vim::property::HostSystem::runtime);
    if (!runtime) return;
    set_property(runtime, "dasHostState",
                 make_data(TypeId::ClusterDasFdmHostState, {{"state", Value::string(kDown)}}));
    transaction.set(host.ref, vim::property::HostSystem::runtime, runtime);
    transaction.commit();
}

// Whether the hosts' agents are there, as the hosts say it themselves.
void HighAvailability::watch_agents() {
    parts().hosts.for_each([&](const Host& host) {
        HostState& state = hosts_[host.ref.id];
        const auto cluster = clusters_.find(host.compute_resource.id);
        const bool is_wanted = cluster != clusters_.end() && !cluster->second.text.empty();
        const bool is_connected = host.link && host.link->state() == LinkState::connected;
        if (is_connected) failed_.erase(host.ref.id);
        if (is_wanted && !is_connected && failed_.contains(host.ref.id)) show_down(host);
        if (!is_wanted || !is_connected) {
            state.missed_since = {};
            if (!is_wanted) state.is_missed = false;
            return;
        }
        const bool is_up = das_state_of(parts().context, host.ref) == "connectedToMaster";
        if (!is_up && state.missed_since == base::SteadyTime{}) state.missed_since = now();
        if (is_up) state.missed_since = {};
        const bool is_missed = !is_up && now() - state.missed_since > kMissed;
        const bool is_news = state.is_missed ? is_up : is_missed;
        if (!is_news) return;
        state.is_missed = is_missed;
        auto argument = vim::HostEventArgument::make();
        argument.set_host(host.ref);
        argument.set_name(name_of(parts().context, host.ref));
        vim::Event event(vim::make_object(is_missed ? TypeId::DasAgentUnavailableEvent
                                                    : TypeId::DasAgentFoundEvent));
        event.set_host(argument);
        event.set_fullFormattedMessage(
            is_missed
                ? fmt::format("drover-had does not answer on {}: its machines are not "
                              "protected{}{}",
                              argument.name(), state.problem.empty() ? "" : ": ", state.problem)
                : fmt::format("drover-had answers on {} again", argument.name()));
        parts().context.events.post(event);
    });
}

}  // namespace drover::center
