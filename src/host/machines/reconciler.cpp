#include "host/machines/reconciler.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <map>

#include "base/log.hpp"
#include "host/availability/availability.hpp"
#include "host/faults.hpp"
#include "host/machines/live_devices.hpp"
#include "host/machines/side_by_side.hpp"
#include "host/machines/suspended.hpp"

namespace drover::host {

using hypervisor::DomainInfo;
using hypervisor::LifecycleKind;
using task::Awaitable;
using vim::Value;

namespace {

constexpr std::chrono::seconds kListLimit{60};
constexpr std::chrono::milliseconds kBusyPause{200};
// Comparing is mostly waiting for datastores; one that hangs must not hold up the others.
constexpr std::size_t kComparedAtOnce = 32;
constexpr std::size_t kSlice = 64;

}  // namespace

Reconciler::Reconciler(const HostContext& context, Machines& machines, Leases& leases)
    : context_(context), machines_(machines), leases_(leases) {}

Reconciler::~Reconciler() = default;

Awaitable<void> Reconciler::start() {
    context_.dispatcher.add("AnswerVM",
                            [this](task::Call call) { return answer(std::move(call)); });
    // The first event tells the state of the connection, and that leads to the first comparison.
    subscription_ = context_.hypervisor.subscribe([this](const hypervisor::Event& event) {
        boost::asio::post(context_.runtime.strand(), [this, event] { handle(event); });
    });
    first_listing_ = true;
    co_await compare_all(true);
}

void Reconciler::handle(const hypervisor::Event& event) {
    if (const auto* lifecycle = std::get_if<hypervisor::LifecycleEvent>(&event)) {
        handle_lifecycle(*lifecycle);
    } else if (const auto* agent = std::get_if<hypervisor::AgentEvent>(&event)) {
        const MachinePtr machine = machines_.find_by_uuid(agent->uuid);
        if (!machine || !machine->domain) return;
        machine->domain->agent_connected = agent->connected;
        machines_.publish_runtime(machine);
        if (agent->connected && on_guest_) on_guest_(machine);
    } else if (const auto* connection = std::get_if<hypervisor::ConnectionEvent>(&event)) {
        if (connection->connected != connected_) {
            base::log_info("the hypervisor is {}", connection->connected ? "connected" : "lost");
        }
        const bool came_back = connection->connected && !connected_;
        connected_ = connection->connected;
        // The first event mostly comes while the first comparison asks what runs.
        if (came_back && !first_listing_) {
            context_.runtime.spawn("compare with hypervisor", compare_all(false));
        }
    }
}

void Reconciler::handle_lifecycle(const hypervisor::LifecycleEvent& event) {
    const MachinePtr machine = machines_.find_by_uuid(event.uuid);
    if (!machine) return;
    // Whoever has the machine to itself publishes what comes of it, but may not know of this.
    if (machine->busy) return look_again_later(machine);
    if (event.kind == LifecycleKind::rebooted) {
        machine->guest.reset();
        machine->boot_time = context_.runtime.clock().wall_now();
        machines_.publish_runtime(machine);
        return;
    }
    context_.runtime.spawn("machine " + machine->id.value(), look_again(machine));
}

void Reconciler::seen_running(const std::set<std::string>& machines) {
    for (const MachinePtr& machine : machines_.all()) {
        if (machine->busy || machine->domain.has_value() == machines.contains(machine->ref.id)) {
            continue;
        }
        context_.runtime.spawn("machine " + machine->id.value(), look_again(machine));
    }
}

void Reconciler::look_again_later(const MachinePtr& machine) {
    if (!waiting_.insert(machine->id).second) return;
    context_.runtime.spawn("machine " + machine->id.value(), look_when_free(machine));
}

Awaitable<void> Reconciler::look_when_free(MachinePtr machine) {
    while (machine->busy) co_await context_.runtime.sleep(kBusyPause);
    waiting_.erase(machine->id);
    if (machines_.find(machine->ref)) co_await look_again(machine);
}

// Events only say that something happened; what is true now is asked.
Awaitable<void> Reconciler::look_again(MachinePtr machine) {
    auto domain = co_await context_.runtime.blocking(
        machine->domain_queue(),
        [this, uuid = machine->uuid()] { return context_.hypervisor.find(uuid); }, kListLimit);
    if (machine->busy) {
        look_again_later(machine);
    } else if (machines_.find(machine->ref)) {
        co_await compare(machine, std::move(domain));
    }
}

struct Reconciler::Round {
    std::vector<MachinePtr> machines;  ///< those of a datastore together
    Running running;
    bool just_read = false;
    std::vector<MachinePtr> found_running;
};

Awaitable<void> Reconciler::compare_all(bool just_read) {
    Round round;
    round.just_read = just_read;
    std::exception_ptr error;
    try {
        auto domains = co_await context_.runtime.blocking(
            "hypervisor", [this] { return context_.hypervisor.list(); }, kListLimit);
        for (DomainInfo& domain : domains) {
            round.running.insert_or_assign(domain.uuid, std::move(domain));
        }
    } catch (...) {
        error = std::current_exception();
    }
    const bool was_first = std::exchange(first_listing_, false);
    if (error) {
        // The next connection leads here again.
        base::log_warning("machines can't be compared with the hypervisor: {}",
                          fault_of(error).message());
        if (was_first && connected_) {
            context_.runtime.spawn("compare with hypervisor", compare_all(false));
        }
        co_return;
    }
    round.machines = machines_.all();
    std::ranges::sort(round.machines, [](const MachinePtr& left, const MachinePtr& right) {
        const auto by_home = left->path.datastore() <=> right->path.datastore();
        return by_home == 0 ? model::reference_less(left->ref.id, right->ref.id) : by_home < 0;
    });
    const std::size_t slices = (round.machines.size() + kSlice - 1) / kSlice;
    co_await side_by_side(context_.runtime, "compare with hypervisor", slices, kComparedAtOnce,
                          [this, &round](std::size_t number) -> Awaitable<void> {
                              return compare_slice(round, number * kSlice);
                          });
    report_found_running(round.found_running);
}

// Machines of one slice share a visit to their datastore and a commit.
Awaitable<void> Reconciler::compare_slice(Round& round, std::size_t first) {
    std::vector<MachinePtr> slice;
    const std::size_t end = std::min(first + kSlice, round.machines.size());
    const std::string& home = round.machines[first]->path.datastore();
    for (std::size_t i = first; i < end; ++i) {
        const MachinePtr& machine = round.machines[i];
        if (machine->is_usable() && machine->path.datastore() == home) slice.push_back(machine);
    }
    std::map<VmId, std::optional<bool>> ours;
    try {
        const auto answers = co_await leases_.are_ours(slice);
        for (std::size_t i = 0; i < slice.size(); ++i) ours[slice[i]->id] = answers[i];
    } catch (...) {
        base::log_warning("leases of {} machines can't be read: {}", slice.size(),
                          fault_of(std::current_exception()).message());
    }
    std::vector<MachinePtr> changed;
    for (std::size_t i = first; i < end; ++i) {
        const MachinePtr& machine = round.machines[i];
        if (!machines_.find(machine->ref)) continue;
        if (machine->busy) {
            look_again_later(machine);
            continue;
        }
        const auto at = round.running.find(machine->uuid());
        const bool was_running = machine->domain.has_value();
        Seen seen{.lease_is_ours = ours[machine->id], .just_read = round.just_read};
        if (at != round.running.end()) seen.domain = at->second;
        if (co_await settle(machine, std::move(seen))) changed.push_back(machine);
        if (machine->domain && !was_running) round.found_running.push_back(machine);
    }
    std::erase_if(changed, [this](const auto& machine) { return !machines_.find(machine->ref); });
    machines_.publish_all(changed);
    for (const MachinePtr& machine : changed) {
        if (machine->domain && on_guest_) on_guest_(machine);
    }
}

void Reconciler::report_found_running(const std::vector<MachinePtr>& machines) const {
    constexpr std::size_t most_lines = 20;
    if (machines.size() > most_lines) {
        base::log_info("{} machines were found running", machines.size());
        return;
    }
    for (const MachinePtr& machine : machines) {
        base::log_info("machine {} was found running", machine->id.value());
    }
}

Awaitable<void> Reconciler::compare(MachinePtr machine, std::optional<DomainInfo> domain) {
    const bool was_running = machine->domain.has_value();
    const bool differs = co_await settle(machine, {.domain = std::move(domain)});
    if (machine->domain && !was_running) report_found_running({machine});
    if (!differs || !machines_.find(machine->ref)) co_return;
    machines_.publish(machine);
    if (machine->domain && !was_running && on_guest_) on_guest_(machine);
}

Awaitable<Value> Reconciler::answer(task::Call call) {
    const MachinePtr machine = machines_.get(call.self);
    const auto request = call.arguments<vim::AnswerVMRequest>();
    if (!machine->question || machine->question.id() != request.questionId()) {
        throw vim::make_fault<vim::ConcurrentAccess>("There is no such question (any more).");
    }
    if (request.answerChoice() != kAnswerRetry && request.answerChoice() != kAnswerPowerOff) {
        throw vim::invalid_argument("answerChoice", "The question has no such choice.");
    }
    const bool retry = request.answerChoice() == kAnswerRetry;
    if (retry) {
        co_await go_on(machine);
    } else if (is_guarded(*machine)) {
        if (guarding_.power_off) co_await guarding_.power_off(machine);
    } else {
        co_await context_.runtime.blocking(
            machine->domain_queue(),
            [this, uuid = machine->uuid()] { context_.hypervisor.destroy(uuid); }, kListLimit);
    }
    machine->question = {};
    co_await look_again(machine);
    co_return Value{};
}

void Reconciler::datastore_changed(const DatastoreEntry& entry) {
    if (entry.info.accessible) {
        context_.runtime.spawn("datastore " + entry.name, datastore_is_back(entry.name));
        return;
    }
    std::vector<MachinePtr> affected;
    for (const MachinePtr& machine : machines_.all()) {
        if (machine->path.datastore() != entry.name) continue;
        machine->datastore_accessible = false;
        affected.push_back(machine);
    }
    machines_.publish_all(affected);
}

void Reconciler::file_changed(const storage::DatastorePath& path) {
    const MachinePtr machine = machines_.find_by_path(path);
    // Whoever has the machine to itself reads the file anyway, or has just written it.
    if (!machine || machine->busy) return;
    context_.runtime.spawn("machine " + machine->id.value(), read_again(machine));
}

Awaitable<void> Reconciler::read_again(MachinePtr machine) {
    co_await machines_.load(machine);
    if (machines_.find(machine->ref)) machines_.publish(machine);
}

// Of a guarded machine the storage may have been gone for so long that another host has taken it.
Awaitable<void> Reconciler::go_on(MachinePtr machine) {
    if (is_guarded(*machine)) {
        if (guarding_.go_on) co_await guarding_.go_on(machine);
        co_return;
    }
    co_await context_.runtime.blocking(
        machine->domain_queue(),
        [this, uuid = machine->uuid()] { context_.hypervisor.resume(uuid); }, kListLimit);
}

Awaitable<void> Reconciler::datastore_is_back(std::string name) {
    for (const MachinePtr& machine : machines_.all()) {
        if (machine->path.datastore() != name || machine->busy) continue;
        co_await machines_.load(machine);
        if (!machines_.find(machine->ref)) continue;
        machines_.publish(machine);
        const bool stalled = machine->domain &&
                             machine->domain->paused_reason == hypervisor::PausedReason::io_error &&
                             machine->domain->io_error != hypervisor::IoErrorReason::no_space;
        if (stalled) {
            base::log_info("machine {}: its storage is back, it goes on", machine->id.value());
            co_await go_on(machine);
        }
        co_await look_again(machine);
    }
}

}  // namespace drover::host
