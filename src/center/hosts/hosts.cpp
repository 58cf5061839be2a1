#include "center/hosts/hosts.hpp"

#include "base/log.hpp"
#include "center/context.hpp"
#include "center/hosts/host_events.hpp"
#include "center/hosts/host_operations.hpp"
#include "center/hosts/host_record.hpp"
#include "center/tree/tree.hpp"
#include "vim/properties.hpp"

namespace drover::center {

using model::Transaction;
using task::Awaitable;
using vim::MoRef;
using vim::TypeId;
using vim::Value;
namespace property = vim::property::HostSystem;

namespace {

constexpr std::chrono::seconds kStoreLimit{60};

vim::HostSystemConnectionState shown_as(LinkState state) {
    switch (state) {
        case LinkState::connected:
            return vim::HostSystemConnectionState::connected;
        case LinkState::not_responding:
            return vim::HostSystemConnectionState::notResponding;
        default:
            return vim::HostSystemConnectionState::disconnected;
    }
}

vim::ManagedEntityStatus status_of(LinkState state) {
    if (state == LinkState::connected) return vim::ManagedEntityStatus::green;
    const bool is_wrong = state == LinkState::not_responding || state == LinkState::refused;
    return is_wrong ? vim::ManagedEntityStatus::red : vim::ManagedEntityStatus::gray;
}

vim::HostRuntimeInfo minimal_runtime() {
    auto runtime = vim::HostRuntimeInfo::make();
    runtime.set_connectionState(vim::HostSystemConnectionState::disconnected);
    runtime.set_powerState(vim::HostSystemPowerState::unknown);
    runtime.set_inMaintenanceMode(false);
    return runtime;
}

// As far as it was ever known; what the API demands is there in any case.
vim::HostListSummary initial_summary(const Host& host) {
    vim::HostListSummary summary = host.last_summary;
    if (!summary) summary = vim::HostListSummary::make();
    auto config = summary.config();
    if (!config) {
        config = vim::HostConfigSummary::make();
        config.set_vmotionEnabled(false);
    }
    config.set_name(host.name);
    config.set_port(host.target.port);
    config.set_sslThumbprint(host.thumbprint);
    summary.set_config(config);
    auto runtime = summary.runtime() ? summary.runtime() : minimal_runtime();
    runtime.set_connectionState(vim::HostSystemConnectionState::disconnected);
    summary.set_runtime(runtime);
    if (!summary.quickStats()) summary.set_quickStats(vim::HostListSummaryQuickStats::make());
    summary.set_host(host.ref);
    summary.set_overallStatus(vim::ManagedEntityStatus::gray);
    if (!summary.raw().property("rebootRequired")) summary.set_rebootRequired(false);
    return summary;
}

}  // namespace

Hosts::Hosts(CenterContext& context)
    : context_(context), operations_(std::make_unique<HostOperations>(context, *this)) {
    operations_->declare_sagas();
}

Hosts::~Hosts() = default;

Host* Hosts::find(const MoRef& ref) const {
    const auto found = hosts_.find(ref.id);
    return found == hosts_.end() ? nullptr : found->second.get();
}

Host* Hosts::find_by_uuid(std::string_view uuid) const {
    for (const auto& [_, host] : hosts_) {
        if (host->uuid == uuid) return host.get();
    }
    return nullptr;
}

Host* Hosts::find_by_name(std::string_view name) const {
    for (const auto& [_, host] : hosts_) {
        if (host->name == name) return host.get();
    }
    return nullptr;
}

void Hosts::for_each(const std::function<void(Host&)>& visit) const {
    for (const auto& [_, host] : hosts_) visit(*host);
}

Awaitable<void> Hosts::start() {
    const auto records = co_await context_.runtime.blocking(
        "store", [this] { return context_.store.load(kHostKind); }, kStoreLimit);
    for (const auto& record : records) {
        try {
            auto host = std::make_unique<Host>(host_of(record));
            if (context_.inventory.find(host->compute_resource) == nullptr) {
                base::log_error("host {}: its {} is not there", host->name,
                                host->compute_resource.id);
                continue;
            }
            Host& installed = install(std::move(host));
            if (installed.desired == DesiredState::connected) installed.link->run();
        } catch (const std::exception& error) {
            base::log_error("the record of host {} can't be read: {}", record.id, error.what());
        }
    }
    operations_->serve();
}

void Hosts::stop() {
    stopping_ = true;  // nobody disconnected anything
    for (const auto& [_, host] : hosts_) host->link->stop();
}

Host& Hosts::install(std::unique_ptr<Host> host) {
    Host& installed = *host;
    hosts_[installed.ref.id] = std::move(host);
    begin_link(installed);
    publish(installed);
    const auto callbacks = added_;
    for (const auto& callback : callbacks) callback(installed);
    return installed;
}

void Hosts::begin_link(Host& host) {
    if (!host.link) host.link = std::make_unique<HostLink>(context_.runtime, host.target);
    host.link->on_state([this, &host](LinkState state, const std::string&) {
        if (stopping_) return;
        show_state(host, state);
        const auto callbacks = state_;
        for (const auto& callback : callbacks) callback(host, state);
    });
}

void Hosts::publish(const Host& host) {
    Transaction transaction(context_.inventory);
    transaction.create(TypeId::HostSystem, host.ref.id);
    Tree::set_entity_basics(transaction, host.ref, host.name, host.compute_resource);
    const auto summary = initial_summary(host);
    transaction.set(host.ref, property::summary, summary.raw());
    transaction.set(host.ref, property::runtime, summary.runtime().raw());
    transaction.set(host.ref, property::configManager, vim::HostConfigManager::make().raw());
    transaction.set(host.ref, property::vm, Value::array(TypeId::VirtualMachine, {}));
    transaction.set(host.ref, property::datastore, Value::array(TypeId::Datastore, {}));
    transaction.set(host.ref, property::network, Value::array(TypeId::Network, {}));
    context_.tree.attach_host(transaction, host.compute_resource, host.ref);
    transaction.commit();
}

void Hosts::forget(const MoRef& ref) {
    Host* host = find(ref);
    if (host == nullptr) return;
    host->link->stop();
    const auto callbacks = removed_;
    for (const auto& callback : callbacks) callback(*host);
    context_.events.post(host_event<vim::HostRemovedEvent>(context_, *host));
    Transaction transaction(context_.inventory);
    context_.tree.detach_host(transaction, host->compute_resource, ref);
    transaction.destroy(ref);
    transaction.commit();
    hosts_.erase(ref.id);
}

// The state stands in `runtime`, and once more in the summary's copy of it.
void Hosts::show_state(Host& host, LinkState state) {
    const LinkState before = host.shown;
    host.shown = state;
    {
        Transaction transaction(context_.inventory);
        if (!transaction.exists(host.ref)) return;
        vim::HostRuntimeInfo runtime(transaction.get(host.ref, property::runtime));
        vim::HostListSummary summary(transaction.get(host.ref, property::summary));
        runtime.set_connectionState(shown_as(state));
        summary.set_runtime(runtime);
        summary.set_overallStatus(status_of(state));
        transaction.set(host.ref, property::runtime, runtime.raw());
        transaction.set(host.ref, property::summary, summary.raw());
        transaction.set(host.ref, property::overallStatus,
                        vim::Convert<vim::ManagedEntityStatus>::to(status_of(state)));
        transaction.commit();
    }
    tell_state(host, before, state);
}

void Hosts::tell_state(Host& host, LinkState before, LinkState now) {
    auto& events = context_.events;
    if (now == LinkState::connected) {
        if (host.was_lost || before != LinkState::connected) {
            events.post(host_event<vim::HostConnectedEvent>(context_, host));
        }
        host.was_lost = false;
    } else if (now == LinkState::not_responding) {
        if (!host.was_lost) events.post(host_event<vim::HostConnectionLostEvent>(context_, host));
        host.was_lost = true;
    } else if (now == LinkState::disconnected || now == LinkState::refused) {
        auto event = host_event<vim::HostDisconnectedEvent>(context_, host);
        auto reason = vim::HostDisconnectedEventReasonCode::userRequest;
        if (now == LinkState::refused) {
            const bool certificate = host.link->fault().fault().is<vim::SSLVerifyFault>();
            reason = certificate ? vim::HostDisconnectedEventReasonCode::sslThumbprintVerifyFailed
                                 : vim::HostDisconnectedEventReasonCode::unknown;
        }
        event.set_reason(vim::to_string(reason));
        events.post(event);
    }
}

}  // namespace drover::center
