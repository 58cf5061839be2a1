#include "center/migration/moves.hpp"

#include <fmt/format.h>

#include "base/log.hpp"
#include "center/migration/move_events.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using task::TaskContextPtr;
using vim::MoRef;
using vim::Value;

namespace {

// A machine that is on no host for a moment stays in the inventory for as long as this.
constexpr std::chrono::hours kLongestMove{24};
constexpr std::chrono::seconds kAppearance{15};

vim::DroverMigrationDestination destination_of(const Host& host,
                                               const vim::DroverMigrationTicket& ticket) {
    auto destination = vim::DroverMigrationDestination::make();
    const LinkTarget& target = host.link->target();
    const bool is_ipv6 = target.address.contains(':');
    destination.set_url(fmt::format("https://{}{}{}:{}", is_ipv6 ? "[" : "", target.address,
                                    is_ipv6 ? "]" : "", target.port));
    destination.set_thumbprint(target.thumbprint_sha256);
    destination.set_ticket(ticket);
    return destination;
}

// However the move ends.
class ExpectedMove {
public:
    ExpectedMove(Mirror& mirror, const MoRef& machine, const MoRef& from, const MoRef& to)
        : mirror_(mirror), machine_(machine) {
        mirror_.expect_move(machine, from, to, kLongestMove);
    }
    ~ExpectedMove() { mirror_.end_move(machine_); }
    ExpectedMove(const ExpectedMove&) = delete;
    ExpectedMove& operator=(const ExpectedMove&) = delete;

private:
    Mirror& mirror_;
    MoRef machine_;
};

}  // namespace

Awaitable<void> Moves::move(MoRef machine, Destination wish, std::string user, TaskContextPtr task,
                            std::string drs_reason) {
    const Destination to = complete(parts_, machine, wish);
    const MoRef from = host_of(parts_, machine);
    if (to.host == from && to.moves_files()) {
        co_await within_host(machine, to, task);
    } else if (to.host != from) {
        if (!to.disks.empty()) {
            throw vim::invalid_argument("spec.disk",
                                        "A machine's disks can't be put on several datastores "
                                        "while it goes to another host.");
        }
        const Findings findings = co_await check_move(parts_, machine, to);
        if (!findings.errors.empty()) throw refusal_of(findings);
        const MoveStory story(parts_, machine, from, to.host, user, drs_reason);
        std::exception_ptr failure;
        try {
            co_await between_hosts(machine, to, task);
        } catch (...) {
            failure = std::current_exception();
        }
        if (failure) {
            story.failed(failure);
            std::rethrow_exception(failure);
        }
        story.moved();
    }
    if (to.pool || to.folder) co_await parts_.mirror.place_machine(machine, to.folder, to.pool);
}

Awaitable<void> Moves::within_host(MoRef machine, Destination to, TaskContextPtr task) {
    auto spec = vim::VirtualMachineRelocateSpec::make();
    if (to.datastore) spec.set_datastore(to.datastore);
    if (!to.disks.empty()) spec.set_disk(to.disks);
    auto request = vim::RelocateVM_TaskRequest::make();
    request.set_spec(spec);
    const Slots::Turn turn = co_await slots_.take({to.host.id}, task);
    co_await parts_.forwarding.run_task(parts_.forwarding.home_of(machine), "RelocateVM_Task",
                                        request.raw(), task);
}

Awaitable<vim::DroverMigrationTicket> Moves::prepare(MoRef machine, Destination to) {
    const HostObject source = parts_.forwarding.home_of(machine);
    auto describe = vim::DescribeMigrationRequest::make();
    describe.set_vm(machine);
    const Value spec = co_await parts_.forwarding.call(migration_manager(*source.host),
                                                       "DescribeMigration", describe.raw());
    Host* destination = parts_.hosts.find(to.host);
    if (destination == nullptr) throw vim::object_not_found(to.host);
    auto request = vim::PrepareMigrationRequest::make();
    request.set_spec(vim::DroverMigrationSpec(spec));
    if (to.datastore) {
        auto placement = vim::DroverMigrationPlacement::make();
        placement.set_datastore(to.datastore);
        request.set_placement(placement);
    }
    co_return vim::DroverMigrationTicket(co_await parts_.forwarding.call(
        migration_manager(*destination), "PrepareMigration", request.raw()));
}

// What the destination reserved is given back at once; it would come to its end by itself.
Awaitable<void> Moves::abort(MoRef host, std::string ticket) {
    Host* destination = parts_.hosts.find(host);
    if (destination == nullptr) co_return;
    auto request = vim::AbortMigrationRequest::make();
    request.set_ticket(ticket);
    try {
        co_await parts_.forwarding.call(migration_manager(*destination), "AbortMigration",
                                        request.raw());
    } catch (const std::exception& error) {
        base::log_warning("a migration to {} can't be given up there: {}", destination->name,
                          error.what());
    }
}

Awaitable<void> Moves::between_hosts(MoRef machine, Destination to, TaskContextPtr task) {
    const MoRef from = host_of(parts_, machine);
    std::vector<std::string> keys{from.id};
    if (to.host != from) keys.push_back(to.host.id);
    const Slots::Turn turn = co_await slots_.take(keys, task);
    const vim::DroverMigrationTicket ticket = co_await prepare(machine, to);
    const ExpectedMove expected(parts_.mirror, machine, from, to.host);
    Host* destination = parts_.hosts.find(to.host);
    if (destination == nullptr) throw vim::object_not_found(to.host);
    const HostObject source = parts_.forwarding.home_of(machine);
    auto request = vim::MigrateMachine_TaskRequest::make();
    request.set_vm(source.ref);
    request.set_destination(destination_of(*destination, ticket));
    std::exception_ptr failure;
    vim::TaskInfo info;
    try {
        if (task) task->check_cancelled();
        info = co_await parts_.forwarding.follow(
            from, "MigrateMachine_Task", migration_manager(*source.host).ref, request.raw(), task);
        Host* there = parts_.hosts.find(from);
        if (there == nullptr) throw vim::object_not_found(from);
        parts_.forwarding.require_success(*there, info);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        co_await abort(to.host, std::string(ticket.ticket()));
        std::rethrow_exception(failure);
    }
    const vim::DroverMigrationResult result(info.result());
    for (const Moved& tell : moved_) tell(machine, result);
    destination = parts_.hosts.find(to.host);
    if (destination == nullptr || !result.vm()) co_return;
    co_await parts_.mirror.refresh(*destination, {*result.vm()});
    co_await parts_.mirror.appearance(*destination, *result.vm(), kAppearance);
    // A machine that is off is believed where it was until that host says that it is gone: who
    // calls it next would be sent there.
    Host* left = parts_.hosts.find(from);
    if (left != nullptr) co_await parts_.mirror.refresh(*left, {source.ref});
}

}  // namespace drover::center
