// What would stand in the way: nothing is moved here.

#include "center/migration/moves.hpp"
#include "center/references.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using task::Awaitable;
using task::Call;
using task::TaskContextPtr;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::size_t kMostPairs = 10'000;

vim::CheckResult result_of(const MoRef& machine, const MoRef& host, const Findings& findings) {
    auto result = vim::CheckResult::make();
    result.set_vm(machine);
    if (host) result.set_host(host);
    result.set_error(findings.errors);
    result.set_warning(findings.warnings);
    return result;
}

// A wish that can't even be completed is an answer here, not an error.
Awaitable<vim::CheckResult> check(MigrationParts parts, MoRef machine, Destination wish) {
    Findings findings;
    std::optional<Destination> to;
    try {
        to = complete(parts, machine, wish);
    } catch (const vim::Fault& fault) {
        findings.errors.push_back(fault.localized());
    }
    if (to) findings = co_await check_move(parts, machine, *to);
    co_return result_of(machine, to ? to->host : wish.host, findings);
}

Value results(std::vector<vim::CheckResult> all) {
    std::vector<Value> values;
    for (auto& each : all) values.push_back(each.raw());
    return Value::array(TypeId::CheckResult, std::move(values));
}

void require_visible(const MigrationParts& parts, const Call& call, const MoRef& object) {
    parts.context.inventory.get(object);
    if (!parts.context.authorization.may(*call.caller, object, "System.View")) {
        throw vim::object_not_found(object);
    }
}

Awaitable<Value> query_pairs(MigrationParts parts, Call call) {
    const auto asked = call.arguments<vim::QueryVMotionCompatibilityEx_TaskRequest>();
    const auto machines = asked.vm().to_vector();
    const auto hosts = asked.host().to_vector();
    if (machines.size() * hosts.size() > kMostPairs) {
        throw vim::invalid_argument("host", "Too many pairs of machines and hosts for one call.");
    }
    std::vector<vim::CheckResult> all;
    for (const MoRef& machine : machines) {
        require_visible(parts, call, machine);
        for (const MoRef& host : hosts) {
            require_visible(parts, call, host);
            Destination wish;
            wish.host = host;
            all.push_back(co_await check(parts, machine, wish));
        }
    }
    co_return results(std::move(all));
}

Awaitable<Value> one(MigrationParts parts, MoRef machine, Destination wish) {
    std::vector<vim::CheckResult> all;
    all.push_back(co_await check(parts, machine, wish));
    co_return results(std::move(all));
}

Awaitable<Value> relocation(MigrationParts parts, MoRef machine,
                            vim::VirtualMachineRelocateSpec spec) {
    std::optional<vim::Fault> failure;
    Destination wish;
    try {
        wish = destination_of(parts, machine, spec);
    } catch (const vim::Fault& fault) {
        failure = fault;
    }
    if (!failure) co_return co_await one(parts, machine, wish);
    Findings findings;
    findings.errors.push_back(failure->localized());
    std::vector<vim::CheckResult> all;
    all.push_back(result_of(machine, spec.host().value_or(MoRef{}), findings));
    co_return results(std::move(all));
}

void serve_provisioning_checker(Moves& moves) {
    auto& context = moves.parts().context;
    {
        model::Transaction transaction(context.inventory);
        transaction.create(TypeId::VirtualMachineProvisioningChecker,
                           references::provisioning_checker.id);
        transaction.commit();
    }
    context.tasks.add_method(
        context.dispatcher, "QueryVMotionCompatibilityEx_Task",
        "VirtualMachineProvisioningChecker.queryVMotionCompatibilityEx",
        [&moves](Call call, TaskContextPtr) { return query_pairs(moves.parts(), call); });
    context.tasks.add_method(context.dispatcher, "CheckMigrate_Task",
                             "VirtualMachineProvisioningChecker.checkMigrate",
                             [&moves](Call call, TaskContextPtr) {
                                 const auto asked = call.arguments<vim::CheckMigrate_TaskRequest>();
                                 require_visible(moves.parts(), call, asked.vm());
                                 Destination wish;
                                 wish.host = asked.host().value_or(MoRef{});
                                 wish.pool = asked.pool().value_or(MoRef{});
                                 return one(moves.parts(), asked.vm(), wish);
                             });
    context.tasks.add_method(
        context.dispatcher, "CheckRelocate_Task", "VirtualMachineProvisioningChecker.checkRelocate",
        [&moves](Call call, TaskContextPtr) {
            const auto asked = call.arguments<vim::CheckRelocate_TaskRequest>();
            require_visible(moves.parts(), call, asked.vm());
            return relocation(moves.parts(), asked.vm(), asked.spec());
        });
}

// "cpu" and "software": what an answer of VI3's days names as fitting. A finding about the CPU
// takes the first away, any other the second.
std::vector<std::string_view> compatible_parts(const vim::CheckResult& result) {
    bool cpu = true;
    bool software = true;
    for (const auto& error : result.error()) {
        const auto type = error.fault().dynamic_type();
        const bool is_cpu = vim::is_a(type, TypeId::CpuIncompatible) ||
                            vim::is_a(type, TypeId::FeatureRequirementsNotMet);
        (is_cpu ? cpu : software) = false;
    }
    std::vector<std::string_view> parts;
    if (cpu) parts.emplace_back("cpu");
    if (software) parts.emplace_back("software");
    return parts;
}

Awaitable<Value> query_old(MigrationParts parts, Call call) {
    const auto asked = call.arguments<vim::QueryVMotionCompatibilityRequest>();
    std::vector<Value> all;
    for (const MoRef& host : asked.host().to_vector()) {
        require_visible(parts, call, host);
        Destination wish;
        wish.host = host;
        const auto result = co_await check(parts, asked.vm(), wish);
        auto compatibility = vim::HostVMotionCompatibility::make();
        compatibility.set_host(host);
        compatibility.set_compatibility(compatible_parts(result));
        all.push_back(compatibility.raw());
    }
    co_return Value::array(TypeId::HostVMotionCompatibility, std::move(all));
}

// Findings as events, as the API has it.
Awaitable<Value> validate(MigrationParts parts, Call call) {
    const auto asked = call.arguments<vim::ValidateMigrationRequest>();
    std::vector<Value> events;
    for (const MoRef& machine : asked.vm().to_vector()) {
        require_visible(parts, call, machine);
        Destination wish;
        wish.host = asked.host().value_or(MoRef{});
        wish.pool = asked.pool().value_or(MoRef{});
        const auto result = co_await check(parts, machine, wish);
        for (const auto& error : result.error()) {
            auto event = vim::MigrationErrorEvent::make();
            event.set_key(0);
            event.set_chainId(0);
            event.set_createdTime(parts.context.runtime.clock().wall_now());
            event.set_userName(call.caller->user);
            event.set_fault(error);
            event.set_fullFormattedMessage(error.localizedMessage().value_or(""));
            auto argument = vim::VmEventArgument::make();
            argument.set_vm(machine);
            argument.set_name(parts.context.inventory.get(machine)
                                  .property(vim::property::ManagedEntity::name)
                                  .as_string());
            event.set_vm(argument);
            events.push_back(event.raw());
        }
    }
    co_return Value::array(TypeId::Event, std::move(events));
}

}  // namespace

void serve_checker(Moves& moves) {
    serve_provisioning_checker(moves);
    auto& dispatcher = moves.parts().context.dispatcher;
    dispatcher.add("QueryVMotionCompatibility",
                   [&moves](Call call) { return query_old(moves.parts(), call); });
    dispatcher.add("ValidateMigration",
                   [&moves](Call call) { return validate(moves.parts(), call); });
}

}  // namespace drover::center
