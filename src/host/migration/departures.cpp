#include "host/migration/departures.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/counted.hpp"
#include "base/log.hpp"
#include "host/availability/availability.hpp"
#include "host/events/event_arguments.hpp"
#include "host/faults.hpp"
#include "host/migration/description.hpp"
#include "host/references.hpp"
#include "service/history/event_log.hpp"

namespace drover::host {

using task::Awaitable;
using Phase = Outgoing::Phase;
using OutgoingPtr = std::shared_ptr<Outgoing>;

namespace {

constexpr std::chrono::seconds kStoreLimit{60};
constexpr std::chrono::seconds kEngineLimit{30};
constexpr std::chrono::milliseconds kFinishPause{500};
constexpr int kFinishTries = 40;

OutgoingPtr make_outgoing(const Machine& machine,
                          const vim::DroverMigrationDestination& destination) {
    const auto ticket = destination.ticket();
    auto made = std::make_shared<Outgoing>();
    made->id = machine.id;
    made->uuid = machine.uuid();
    made->name = machine.name();
    made->path = machine.path;
    made->url = destination.url();
    made->thumbprint = destination.thumbprint();
    made->ticket = ticket.ticket();
    made->host_uuid = ticket.hostUuid();
    made->host_name = ticket.hostName();
    made->moves_storage = ticket.movesStorage();
    made->guarded = is_guarded(machine);
    return made;
}

vim::DroverMigrationResult make_result(const Outgoing& outgoing,
                                       const hypervisor::MigrationResult& moved,
                                       const vim::DroverMigrationArrival& arrival) {
    auto result = vim::DroverMigrationResult::make();
    if (arrival) result.set_vm(arrival.vm());
    result.set_hostUuid(outgoing.host_uuid);
    result.set_totalMs(moved.total.count());
    if (moved.downtime) result.set_downtimeMs(moved.downtime->count());
    result.set_transferredBytes(static_cast<std::int64_t>(moved.transferred_bytes));
    result.set_memoryBytes(static_cast<std::int64_t>(moved.memory_bytes));
    result.set_iterations(static_cast<std::int32_t>(moved.iterations));
    result.set_postCopy(moved.post_copy);
    return result;
}

}  // namespace

store::Record Departures::record_of(const Outgoing& outgoing) {
    store::Record record;
    record.kind = kRecordKind;
    record.id = outgoing.id.value();
    record.value = nlohmann::json{{"uuid", outgoing.uuid.value()},
                                  {"name", outgoing.name},
                                  {"path", outgoing.path.to_string()},
                                  {"url", outgoing.url},
                                  {"thumbprint", outgoing.thumbprint},
                                  {"ticket", outgoing.ticket},
                                  {"host", outgoing.host_uuid},
                                  {"host_name", outgoing.host_name},
                                  {"moves", outgoing.moves_storage},
                                  {"guarded", outgoing.guarded},
                                  {"phase", static_cast<int>(outgoing.phase)}}
                       .dump();
    return record;
}

OutgoingPtr Departures::from_record(const store::Record& record) {
    try {
        const auto value = nlohmann::json::parse(record.value);
        auto made = std::make_shared<Outgoing>();
        made->id = VmId(record.id);
        made->uuid = hypervisor::DomainUuid(value.at("uuid").get<std::string>());
        made->name = value.at("name").get<std::string>();
        made->path = Datastores::parse_path(value.at("path").get<std::string>());
        made->url = value.at("url").get<std::string>();
        made->thumbprint = value.at("thumbprint").get<std::string>();
        made->ticket = value.at("ticket").get<std::string>();
        made->host_uuid = value.at("host").get<std::string>();
        made->host_name = value.at("host_name").get<std::string>();
        made->moves_storage = value.at("moves").get<bool>();
        made->guarded = value.value("guarded", false);
        made->phase = static_cast<Phase>(value.at("phase").get<int>());
        return made;
    } catch (const std::exception& error) {
        base::log_error("the record of the leaving machine {} is damaged, left alone: {}",
                        record.id, error.what());
        return nullptr;
    }
}

Awaitable<void> Departures::store(store::Batch batch) {
    co_await context_.runtime.blocking(
        "store",
        [this, batch = std::move(batch)]() mutable {
            context_.store.commit_and_wait(std::move(batch));
        },
        kStoreLimit);
}

Awaitable<void> Departures::note(OutgoingPtr outgoing, Phase phase) {
    outgoing->phase = phase;
    co_await store(store::Batch().put(record_of(*outgoing)));
}

Awaitable<void> Departures::start() {
    const auto records = co_await context_.runtime.blocking(
        "store", [this] { return context_.store.load(kRecordKind); }, kStoreLimit);
    for (const store::Record& record : records) {
        const OutgoingPtr outgoing = from_record(record);
        if (!outgoing) continue;
        base::log_info("machine {} was leaving for {}", outgoing->id.value(), outgoing->host_name);
        context_.runtime.spawn("machine " + outgoing->id.value(), resolve_later(outgoing));
    }
}

Awaitable<vim::DroverMigrationSpec> Departures::describe(MachinePtr machine) {
    auto spec = describe_machine(context_, *machine);
    if (is_guarded(*machine)) spec.set_guarded(true);
    spec.set_sourceCa(parts_.transport.own_ca());
    if (!machine->domain) co_return spec;
    const std::string cpu = co_await context_.runtime.blocking(
        machine->domain_queue(),
        [&engine = context_.hypervisor, uuid = machine->uuid()]() -> std::string {
            try {
                return engine.cpu_of(uuid);
            } catch (const hypervisor::HypervisorError& error) {
                if (error.kind() != hypervisor::ErrorKind::unsupported) throw;
                return {};
            }
        },
        kEngineLimit);
    if (!cpu.empty()) spec.set_cpu(cpu);
    co_return spec;
}

Awaitable<vim::DroverMigrationResult> Departures::migrate(
    MachinePtr machine, vim::DroverMigrationDestination destination,
    vim::DroverMigrationOptions options, task::TaskContextPtr task) {
    require_usable(*machine);
    require_movable(*machine, destination.ticket());
    if (destination.ticket().hostUuid() == context_.host_uuid) {
        throw vim::invalid_argument("destination.ticket", "The machine is on this host already.");
    }
    if (under_way_ >= kMostAtOnce) {
        throw vim::make_fault<vim::ResourceInUse>(
            fmt::format("{} machines are leaving this host already.", under_way_));
    }
    const base::Counted counted(under_way_);
    const Exclusive exclusive(machine, task->ref());
    const OutgoingPtr outgoing = make_outgoing(*machine, destination);
    const Peer checked(context_.runtime, outgoing->url, outgoing->thumbprint);
    context_.events.post(vm_event<vim::VmEmigratingEvent>(context_.inventory.get(machine->ref)),
                         {});
    hypervisor::MigrationResult moved;
    vim::DroverMigrationArrival arrival;
    std::exception_ptr failure;
    try {
        if (outgoing->guarded) {
            moved = co_await leave_guarded(machine, outgoing, destination, options, task);
            arrival = co_await give(outgoing);
        } else {
            moved = co_await leave(machine, outgoing, destination, options, task);
            arrival = co_await finish(outgoing);
        }
        outgoing->phase = Phase::sent;
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure)
        base::log_warning("machine {} does not go to {}: {}", machine->id.value(),
                          outgoing->host_name, fault_of(failure).message());
    const Whose now = co_await resolve(outgoing, machine, !failure);
    if (now == Whose::unknown) {
        context_.runtime.spawn("machine " + outgoing->id.value(), resolve_later(outgoing));
    }
    if (!failure || now == Whose::theirs) co_return make_result(*outgoing, moved, arrival);
    post_failure(*machine, *outgoing, failure);
    std::rethrow_exception(failure);
}

void Departures::post_failure(const Machine& machine, const Outgoing& outgoing,
                              const std::exception_ptr& failure) const {
    const model::ManagedObject* object = context_.inventory.find(machine.ref);
    if (object == nullptr) return;
    auto destination = vim::HostEventArgument::make();
    destination.set_host(references::host);
    destination.set_name(outgoing.host_name);
    auto event = vm_event<vim::VmFailedMigrateEvent>(*object);
    event.set_destHost(destination);
    event.set_reason(fault_of(failure).localized());
    context_.events.post(event, {});
}

Awaitable<hypervisor::MigrationResult> Departures::leave(
    MachinePtr machine, OutgoingPtr outgoing, vim::DroverMigrationDestination destination,
    vim::DroverMigrationOptions options, task::TaskContextPtr task) {
    co_await note(outgoing, Phase::offered);
    machine->lease_generation = co_await parts_.handover.offer(machine->path, outgoing->host_uuid);
    co_await Peer(context_.runtime, outgoing->url, outgoing->thumbprint).begin(outgoing->ticket);
    task->check_cancelled();
    if (!machine->domain) {
        if (outgoing->moves_storage) {
            throw vim::make_fault<vim::InvalidState>("The machine does not run any more.");
        }
        co_await note(outgoing, Phase::moving);
        co_return hypervisor::MigrationResult{};
    }
    co_await note(outgoing, Phase::moving);
    const auto moved = co_await send(machine, outgoing, destination, options, task);
    co_await note(outgoing, Phase::sent);
    co_return moved;
}

// Tells the other host that the machine is its own. It may just be starting again.
Awaitable<vim::DroverMigrationArrival> Departures::finish(OutgoingPtr outgoing,
                                                          std::optional<Availability::Word> word) {
    Peer peer(context_.runtime, outgoing->url, outgoing->thumbprint);
    for (int i = 0;; ++i) {
        std::optional<vim::Fault> failure;
        try {
            co_return co_await peer.finish(outgoing->ticket, word);
        } catch (const vim::Fault& fault) {
            failure = fault;
        }
        if (!is_unreachable(*failure) || i == kFinishTries) throw *failure;
        if (!outgoing->moves_storage) {
            const auto lease = co_await parts_.handover.read(outgoing->path);
            if (lease.owner == outgoing->host_uuid) co_return vim::DroverMigrationArrival();
        }
        co_await context_.runtime.sleep(kFinishPause);
    }
}

}  // namespace drover::host
