#pragma once

// What happens on the host, as events. One place maps what the inventory and the tasks say anyway;
// the operations themselves know nothing of events.

#include <map>
#include <set>
#include <string>

#include "host/context.hpp"
#include "host/events/host_history.hpp"

namespace drover::host {

/// Belongs to the strand.
class HostEvents {
public:
    HostEvents(const HostContext& context, HostHistory& history)
        : context_(context), history_(history) {}
    HostEvents(const HostEvents&) = delete;
    HostEvents& operator=(const HostEvents&) = delete;

    /// Begins to watch. Once everything is as it was found: what is discovered at the start is no
    /// news. All methods are served.
    void start();

private:
    /// On whose behalf something happens, and in which chain of events.
    struct Actor {
        std::string user;
        std::int32_t chain = 0;
    };
    struct Calling {
        std::string user;
        int calls = 0;
    };
    using Direct = std::function<void(const task::Call& call, const vim::Fault* failure)>;

    Actor actor_of(const vim::MoRef& entity) const;
    static Actor actor_of(const vim::TaskInfo& info);
    void post(vim::Event event, const Actor& actor);

    // machine_events.cpp: from the inventory's deltas
    void see(const model::Delta& delta);
    void see_change(const model::PropertyChange& change);
    void see_runtime(const model::PropertyChange& change);
    void see_power(const model::ManagedObject& machine, vim::VirtualMachinePowerState now);
    void see_reboot(const model::PropertyChange& change);
    void see_connection(const model::ManagedObject& machine, bool was_connected, bool is_connected);
    void see_config(const model::PropertyChange& change);
    void see_name(const model::PropertyChange& change);
    void see_created(const model::ManagedObject& object);
    void see_destroyed(const model::ManagedObject& object);
    void see_pool(const model::ManagedObject& pool, bool is_new);

    // task_events.cpp: from the beginning and the end of tasks
    void task_started(const vim::TaskInfo& info, const vim::Value& request);
    void task_ended(const vim::TaskInfo& info, const vim::Value& request);
    void machine_task_started(const vim::TaskInfo& info, const vim::Value& request);
    void machine_task_failed(const vim::TaskInfo& info);
    void machine_made(const vim::TaskInfo& info);
    void machine_reconfigured(const vim::TaskInfo& info, const vim::Value& request);
    void host_task_ended(const vim::TaskInfo& info);
    void file_task_ended(const vim::TaskInfo& info, const vim::Value& request);

    // call_events.cpp: from calls that are no tasks
    void watch_calls();
    void watch(std::string_view method, Direct ended);

    const HostContext& context_;
    HostHistory& history_;
    model::Subscription deltas_;
    std::map<std::string, Calling> calling_;      // by entity
    std::map<std::string, vim::Value> creating_;  // requests of tasks that create, by task
    std::map<std::string, vim::Value> before_;    // configurations, by task that changes them
    std::set<std::string> asked_to_reboot_;       // machines
};

}  // namespace drover::host
