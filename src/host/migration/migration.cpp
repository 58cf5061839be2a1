#include "host/migration/migration.hpp"

#include "host/migration/arrivals.hpp"
#include "host/migration/departures.hpp"
#include "host/migration/references.hpp"
#include "host/references.hpp"

namespace drover::host {

using task::Awaitable;
using task::Call;
using task::TaskContextPtr;
using vim::Value;

namespace {

// Numbers that are missing or make no sense are no word.
std::optional<Availability::Word> word_of(const vim::FinishMigrationRequest& request) {
    const auto generation = request.leaseGeneration().value_or(0);
    const auto owner = request.ownerEpoch().value_or(0);
    const auto successor = request.successorEpoch().value_or(0);
    if (generation <= 0 || owner <= 0 || successor <= 0) return std::nullopt;
    return Availability::Word{static_cast<std::uint64_t>(generation),
                              static_cast<std::uint64_t>(owner),
                              static_cast<std::uint64_t>(successor)};
}

}  // namespace

/// Both sides, and what they share.
struct Migration::Services {
    explicit Services(Migration::Parts given)
        : parts(std::move(given)),
          peers(parts.context,
                [this](const std::string& ticket) { return arrivals.admits(ticket); }),
          transport(peers.functions()),
          handover(parts.context),
          arrivals({parts.context, parts.machines, handover, parts.availability, transport,
                    parts.admission, parts.room, parts.arrived}),
          departures({parts.context, parts.machines, parts.leases, handover, parts.availability,
                      transport, parts.destroy}) {}

    Migration::Parts parts;
    PeerTransport peers;
    MigrationTransport transport;
    HandOver handover;
    Arrivals arrivals;
    Departures departures;

    void serve_source();
    void serve_destination();
    void serve_peer();
};

Migration::Migration(Parts parts) : services_(std::make_unique<Services>(std::move(parts))) {}

Migration::~Migration() = default;

bool Migration::serves(std::string_view path) {
    return PeerEndpoint::serves(path);
}

Awaitable<http::Response> Migration::handle(http::Request request) {
    co_return co_await services_->peers.handle(std::move(request));
}

Awaitable<void> Migration::start() {
    const HostContext& context = services_->parts.context;
    model::Transaction transaction(context.inventory);
    transaction.create(references::migration_manager.type, references::migration_manager.id);
    transaction.commit();
    serve();
    co_await services_->departures.start();
    co_await services_->arrivals.start();
}

void Migration::serve() {
    services_->serve_source();
    services_->serve_destination();
    services_->serve_peer();
}

void Migration::Services::serve_source() {
    task::Dispatcher& dispatcher = parts.context.dispatcher;
    dispatcher.add("DescribeMigration", [this](Call call) -> Awaitable<Value> {
        const auto request = call.arguments<vim::DescribeMigrationRequest>();
        co_return (co_await departures.describe(parts.machines.get(request.vm()))).raw();
    });
    dispatcher.add_direct("MigrateMachine_Task", [this](const Call& call) {
        const auto request = call.arguments<vim::MigrateMachine_TaskRequest>();
        const MachinePtr machine = parts.machines.get(request.vm());
        task::TaskSpec spec;
        spec.description_id = "VirtualMachine.migrate";
        spec.entity = machine->ref;
        spec.entity_name = machine->name();
        spec.method = call.method;
        spec.user = call.caller->user;
        spec.cancelable = true;
        return Value::moref(parts.context.tasks.start(
            std::move(spec), [this, machine, request](TaskContextPtr task) -> Awaitable<Value> {
                co_return (co_await departures.migrate(machine, request.destination(),
                                                       request.options(), task))
                    .raw();
            }));
    });
    parts.context.tasks.declare("VirtualMachine.migrate", "MigrateMachine_Task");
}

void Migration::Services::serve_destination() {
    task::Dispatcher& dispatcher = parts.context.dispatcher;
    dispatcher.add("CheckMigration", [this](Call call) -> Awaitable<Value> {
        const auto request = call.arguments<vim::CheckMigrationRequest>();
        std::vector<Value> reasons;
        for (const auto& fault : co_await arrivals.check(request.spec(), request.placement())) {
            reasons.push_back(fault.localized().raw());
        }
        co_return Value::array(vim::TypeId::LocalizedMethodFault, std::move(reasons));
    });
    dispatcher.add("PrepareMigration", [this](Call call) -> Awaitable<Value> {
        const auto request = call.arguments<vim::PrepareMigrationRequest>();
        co_return (co_await arrivals.prepare(request.spec(), request.placement())).raw();
    });
}

// What the other host calls, with nothing but the ticket.
void Migration::Services::serve_peer() {
    task::Dispatcher& dispatcher = parts.context.dispatcher;
    dispatcher.add("BeginMigration", [this](Call call) -> Awaitable<Value> {
        const auto request = call.arguments<vim::BeginMigrationRequest>();
        const auto epoch = co_await arrivals.begin(std::string(request.ticket()));
        co_return epoch ? Value::long_(static_cast<std::int64_t>(*epoch)) : Value{};
    });
    dispatcher.add("FinishMigration", [this](Call call) -> Awaitable<Value> {
        const auto request = call.arguments<vim::FinishMigrationRequest>();
        co_return (co_await arrivals.finish(std::string(request.ticket()), word_of(request))).raw();
    });
    dispatcher.add("AbortMigration", [this](Call call) -> Awaitable<Value> {
        const auto request = call.arguments<vim::AbortMigrationRequest>();
        co_return Value::boolean(co_await arrivals.abort(std::string(request.ticket())));
    });
}

}  // namespace drover::host
