#include "host/machines/reconciler.hpp"

#include <boost/asio/post.hpp>

#include "base/log.hpp"
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
constexpr std::string_view kRetry = "0";
constexpr std::string_view kPowerOff = "1";

vim::ElementDescription choice(std::string_view key, std::string_view label) {
    auto made = vim::ElementDescription::make();
    made.set_key(key);
    made.set_label(label);
    made.set_summary(label);
    return made;
}

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
    co_await compare_all();
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
        if (came_back) context_.runtime.spawn("compare with hypervisor", compare_all());
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

Awaitable<void> Reconciler::compare_all() {
    std::vector<DomainInfo> domains;
    try {
        domains = co_await context_.runtime.blocking(
            "hypervisor", [this] { return context_.hypervisor.list(); }, kListLimit);
    } catch (...) {
        // The next connection leads here again.
        base::log_warning("machines can't be compared with the hypervisor: {}",
                          fault_of(std::current_exception()).message());
        co_return;
    }
    std::unordered_map<hypervisor::DomainUuid, DomainInfo> running;
    for (DomainInfo& domain : domains) running.insert_or_assign(domain.uuid, std::move(domain));
    const auto all = machines_.all();
    co_await side_by_side(context_.runtime, "compare with hypervisor", all.size(), kComparedAtOnce,
                          [this, &all, &running](std::size_t number) -> Awaitable<void> {
                              return compare_one(all[number], running);
                          });
}

Awaitable<void> Reconciler::compare_one(
    MachinePtr machine, const std::unordered_map<hypervisor::DomainUuid, DomainInfo>& running) {
    if (!machines_.find(machine->ref)) co_return;
    if (machine->busy) {
        look_again_later(machine);
        co_return;
    }
    const auto at = running.find(machine->uuid());
    try {
        co_await compare(
            machine, at == running.end() ? std::nullopt : std::optional<DomainInfo>(at->second));
    } catch (...) {
        base::log_warning("machine {}: {}", machine->id.value(),
                          fault_of(std::current_exception()).message());
    }
}

Awaitable<void> Reconciler::compare(MachinePtr machine, std::optional<DomainInfo> domain) {
    const bool was_running = machine->domain.has_value();
    const bool runs = domain && domain->state != hypervisor::DomainState::stopped;
    machine->domain = runs ? std::move(domain) : std::nullopt;
    try {
        if (!runs) {
            co_await settle_stopped(machine);
        } else if (!was_running) {
            base::log_info("machine {} was found running", machine->id.value());
            if (!machine->boot_time) machine->boot_time = context_.runtime.clock().wall_now();
            co_await settle_running(machine);
        }
    } catch (...) {
        // Its power is known all the same; the rest is tried again at the next comparison.
        base::log_warning("machine {}: {}", machine->id.value(),
                          fault_of(std::current_exception()).message());
    }
    // An operation may have begun meanwhile, or have ended already.
    if (machine->domain && machine->domain->paused_reason == hypervisor::PausedReason::io_error) {
        set_question(*machine);
    } else {
        machine->question = {};
    }
    machines_.publish(machine);
    if (machine->domain && !was_running && on_guest_) on_guest_(machine);
}

// Found running: a power-on that was cut off, or a machine that ran on while we were away. An
// earlier comparison may have come before libvirt had begun and given the lease back: it is taken
// once more.
Awaitable<void> Reconciler::settle_running(MachinePtr machine) {
    if (!machine->is_usable()) co_return;
    if (!co_await leases_.is_ours(machine)) {
        base::log_warning("machine {} runs without a lease, taking it", machine->id.value());
        co_await leases_.acquire(machine);
    }
    if (machine->busy || !machine->domain) co_return;
    machine->connected = connected_at_start(machine->config);
    co_await machines_.load(machine);
    if (machine->busy || !machine->domain) co_return;
    if (machine->suspended) {
        base::log_info("machine {}: its resume was cut off, finishing it", machine->id.value());
        const Exclusive exclusive(machine, {});
        co_await finish_resume(context_, machines_, machine);
    } else if (machine->domain->state == hypervisor::DomainState::running) {
        // A suspend that was cut off before the hypervisor heard of it has left an image without
        // contents. One that is being written belongs to a paused domain.
        const Exclusive exclusive(machine, {});
        co_await remove_suspend_file(context_, machine->path);
    }
}

// The machine does not run. If its lease is still ours it did until lately: what was cut off is
// finished, then the lease is given back.
Awaitable<void> Reconciler::settle_stopped(MachinePtr machine) {
    machine->boot_time.reset();
    machine->guest.reset();
    if (!machine->is_usable() || machine->is_template) co_return;
    if (!co_await leases_.is_ours(machine)) co_return;
    // An operation that has come in the meantime has taken the lease for itself.
    if (machine->busy || machine->domain) co_return;
    const std::uint64_t generation = machine->lease_generation;
    co_await settle_suspend(machine);
    co_await leases_.release_at(machine, generation);
}

// Image and file must agree: a complete image without a word in the file is a suspend that was cut
// off at its end, an incomplete one was cut off before; a file without an image was to be
// forgotten.
Awaitable<void> Reconciler::settle_suspend(MachinePtr machine) {
    enum class Image { none, incomplete, complete };
    const auto path = suspend_file(machine->path);
    const Image image = co_await context_.datastores.run(
        context_.datastores.of_path(machine->path), [this, path](storage::Datastore& store) {
            try {
                store.blobs().stat(path);
            } catch (const storage::StorageError& error) {
                if (error.kind() != storage::StorageErrorKind::not_found) throw;
                return Image::none;
            }
            return context_.hypervisor.is_save_image_complete(store.host_path(path).string())
                       ? Image::complete
                       : Image::incomplete;
        });
    if (machine->busy || image == (machine->suspended ? Image::complete : Image::none)) co_return;
    const Exclusive exclusive(machine, {});
    if (image == Image::complete) {
        base::log_info("machine {}: its suspend is complete", machine->id.value());
        vmx::VmxFile file = machine->file;
        file.set(kSuspendKey, path.file_name());
        co_await machines_.store_file(machine, std::move(file));
        co_await machines_.load(machine);
    } else {
        base::log_warning("machine {}: it has no complete memory to resume from, it is off",
                          machine->id.value());
        co_await forget_suspend(context_, machines_, machine);
    }
}

void Reconciler::set_question(Machine& machine) {
    if (machine.question) return;
    const bool no_space = machine.domain->io_error == hypervisor::IoErrorReason::no_space;
    const std::string text =
        no_space
            ? "There is no more space for the machine's disk on its datastore. Free some space, "
              "then choose Retry to continue."
            : "The machine's disk could not be read or written. When the storage is back, choose "
              "Retry to continue.";
    auto options = vim::ChoiceOption::make();
    options.set_choiceInfo({choice(kRetry, "Retry"), choice(kPowerOff, "Power off")});
    options.set_defaultIndex(0);
    auto message = vim::VirtualMachineMessage::make();
    message.set_id(no_space ? "msg.hbacommon.outofspace" : "msg.hbacommon.askonioerror");
    message.set_text(text);
    auto question = vim::VirtualMachineQuestionInfo::make();
    question.set_id(std::to_string(next_question_++));
    question.set_text(text);
    question.set_choice(options);
    question.set_message({message});
    machine.question = question;
}

Awaitable<Value> Reconciler::answer(task::Call call) {
    const MachinePtr machine = machines_.get(call.self);
    const auto request = call.arguments<vim::AnswerVMRequest>();
    if (!machine->question || machine->question.id() != request.questionId()) {
        throw vim::make_fault<vim::ConcurrentAccess>("There is no such question (any more).");
    }
    if (request.answerChoice() != kRetry && request.answerChoice() != kPowerOff) {
        throw vim::invalid_argument("answerChoice", "The question has no such choice.");
    }
    const bool retry = request.answerChoice() == kRetry;
    co_await context_.runtime.blocking(
        machine->domain_queue(),
        [this, uuid = machine->uuid(), retry] {
            if (retry) {
                context_.hypervisor.resume(uuid);
            } else {
                context_.hypervisor.destroy(uuid);
            }
        },
        kListLimit);
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

Awaitable<void> Reconciler::datastore_is_back(std::string name) {
    for (const MachinePtr& machine : machines_.all()) {
        if (machine->path.datastore() != name || machine->busy) continue;
        co_await machines_.load(machine);
        const bool stalled = machine->domain &&
                             machine->domain->paused_reason == hypervisor::PausedReason::io_error &&
                             machine->domain->io_error != hypervisor::IoErrorReason::no_space;
        if (stalled) {
            base::log_info("machine {}: its storage is back, it goes on", machine->id.value());
            co_await context_.runtime.blocking(
                machine->domain_queue(),
                [this, uuid = machine->uuid()] { context_.hypervisor.resume(uuid); }, kListLimit);
        }
        co_await look_again(machine);
    }
}

}  // namespace drover::host
