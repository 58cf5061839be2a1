#include "center/migration/checks.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "vim/compatibility_types.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using vim::MoRef;
using vim::Value;

namespace {

void add(Findings& findings, const vim::Fault& fault) {
    findings.errors.push_back(fault.localized());
}

void check_host(const MigrationParts& parts, const MoRef& ref, std::string_view what,
                Findings& findings) {
    const Host* host = parts.hosts.find(ref);
    if (host == nullptr) return add(findings, vim::object_not_found(ref));
    if (!host->link || host->link->state() != LinkState::connected) {
        add(findings, vim::make_fault<vim::HostNotConnected>(
                          fmt::format("The {} host '{}' is not connected.", what, host->name)));
    }
}

void check_maintenance(const MigrationParts& parts, const Host& host, Findings& findings) {
    const vim::HostRuntimeInfo runtime(
        parts.context.inventory.get(host.ref).property(vim::property::HostSystem::runtime));
    if (!runtime || !runtime.inMaintenanceMode()) return;
    auto fault = vim::InvalidHostState::make();
    fault.set_host(host.ref);
    add(findings,
        vim::Fault(fault, fmt::format("The host '{}' is in maintenance mode.", host.name)));
}

// A host can't say which machine and host of ours a reason is about.
vim::LocalizedMethodFault named(vim::LocalizedMethodFault reason, const MoRef& machine,
                                const MoRef& host) {
    auto fault = reason.fault().as<vim::FeatureRequirementsNotMet>();
    if (!fault) return reason;
    fault.set_vm(machine);
    fault.set_host(host);
    reason.set_fault(vim::MethodFault(fault.raw()));
    return reason;
}

// What only the two hosts know: files, networks, CPU features, memory.
Awaitable<std::vector<vim::LocalizedMethodFault>> ask_hosts(MigrationParts parts, MoRef machine,
                                                            Destination to) {
    const HostObject source = parts.forwarding.home_of(machine);
    auto describe = vim::DescribeMigrationRequest::make();
    describe.set_vm(machine);
    const Value spec = co_await parts.forwarding.call(migration_manager(*source.host),
                                                      "DescribeMigration", describe.raw());
    Host* destination = parts.hosts.find(to.host);
    if (destination == nullptr) throw vim::object_not_found(to.host);
    auto check = vim::CheckMigrationRequest::make();
    check.set_spec(vim::DroverMigrationSpec(spec));
    if (to.datastore) {
        auto placement = vim::DroverMigrationPlacement::make();
        placement.set_datastore(to.datastore);
        check.set_placement(placement);
    }
    const Value reasons = co_await parts.forwarding.call(migration_manager(*destination),
                                                         "CheckMigration", check.raw());
    std::vector<vim::LocalizedMethodFault> found;
    for (const Value& reason : reasons ? reasons.elements() : std::span<const Value>{}) {
        found.push_back(named(vim::LocalizedMethodFault(reason), machine, to.host));
    }
    co_return found;
}

// What stands in the way of its files on the host that it stays on.
Awaitable<std::vector<vim::LocalizedMethodFault>> ask_own_host(MigrationParts parts, MoRef machine,
                                                               Destination to) {
    const HostObject home = parts.forwarding.home_of(machine);
    auto spec = vim::VirtualMachineRelocateSpec::make();
    if (to.datastore) spec.set_datastore(to.datastore);
    if (!to.disks.empty()) spec.set_disk(to.disks);
    auto request = vim::CheckRelocate_TaskRequest::make();
    request.set_vm(machine);
    request.set_spec(spec);
    const Value results = co_await parts.forwarding.run_task(
        provisioning_checker(*home.host), "CheckRelocate_Task", request.raw(), nullptr);
    std::vector<vim::LocalizedMethodFault> found;
    for (const Value& each : results ? results.elements() : std::span<const Value>{}) {
        for (const auto& error : vim::CheckResult(each).error()) found.push_back(error);
    }
    co_return found;
}

}  // namespace

Awaitable<Findings> check_move(MigrationParts parts, MoRef machine, Destination to) {
    Findings findings;
    const MoRef source = host_of(parts, machine);
    check_host(parts, source, "source", findings);
    if (to.host != source) check_host(parts, to.host, "destination", findings);
    if (!findings.errors.empty()) co_return findings;
    const bool stays = to.host == source;
    if (stays && !to.moves_files()) co_return findings;
    if (!stays) check_maintenance(parts, *parts.hosts.find(to.host), findings);
    std::optional<vim::Fault> failure;
    try {
        auto reasons = stays ? ask_own_host(parts, machine, to) : ask_hosts(parts, machine, to);
        for (auto& reason : co_await std::move(reasons)) {
            findings.errors.push_back(std::move(reason));
        }
    } catch (const vim::Fault& fault) {
        failure = fault;
    }
    if (failure) add(findings, *failure);
    co_return findings;
}

vim::Fault refusal_of(const Findings& findings) {
    const vim::LocalizedMethodFault& first = findings.errors.front();
    std::vector<std::string> words;
    for (const auto& error : findings.errors) {
        words.emplace_back(error.localizedMessage().value_or(""));
    }
    return vim::Fault(first.fault(), fmt::format("{}", fmt::join(words, " ")));
}

}  // namespace drover::center
