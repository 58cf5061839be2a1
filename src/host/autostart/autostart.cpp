#include "host/autostart/autostart.hpp"

#include <fmt/format.h>

#include "base/file.hpp"
#include "base/log.hpp"
#include "host/autostart/power_order.hpp"
#include "host/host_system/host_config.hpp"
#include "host/references.hpp"
#include "vim/json.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using task::Awaitable;
using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::string_view kKind = "host";
constexpr std::string_view kConfigId = "autostart";
constexpr std::chrono::seconds kStoreLimit{30};

store::Record record(std::string_view id, std::string value) {
    store::Record made;
    made.kind = kKind;
    made.id = id;
    made.value = std::move(value);
    return made;
}

vim::HostAutoStartManagerConfig decode(const std::string& text) {
    const Value value = vim::decode_json_value(text, TypeId::HostAutoStartManagerConfig);
    vim::HostAutoStartManagerConfig config(value);
    return config && config.defaults() ? config : default_autostart();
}

}  // namespace

AutoStart::AutoStart(const HostContext& context, AutoStartActions actions)
    : context_(context), actions_(std::move(actions)), config_(default_autostart()) {}

Awaitable<void> AutoStart::start() {
    const auto stored = co_await context_.runtime.blocking(
        "store", [this] { return context_.store.get(kKind, kConfigId); }, kStoreLimit);
    if (stored) {
        try {
            config_ = decode(stored->value);
        } catch (const vim::Fault& fault) {
            base::log_error("the stored list of machines to start is unusable: {}",
                            fault.message());
        }
    }
    const auto& self = references::autostart_manager;
    model::Transaction transaction(context_.inventory);
    transaction.create(self.type, self.id);
    transaction.commit();
    show();
    serve_methods();
    subscription_ = context_.inventory.observe([this](const model::Delta& delta) {
        for (const auto& object : delta.destroyed) {
            if (object->type() != TypeId::VirtualMachine) continue;
            for (const auto& info : config_.powerInfo()) {
                if (info.key() == object->ref()) {
                    context_.runtime.spawn("autostart list", forget_destroyed());
                    return;
                }
            }
        }
    });
}

void AutoStart::serve_methods() {
    auto& dispatcher = context_.dispatcher;
    dispatcher.add("ReconfigureAutostart", [this](task::Call call) -> Awaitable<Value> {
        co_await reconfigure(call.arguments<vim::ReconfigureAutostartRequest>().spec());
        co_return Value{};
    });
    // These take as long as all the delays together; the caller doesn't wait for that.
    dispatcher.add_direct("AutoStartPowerOn", [this](const task::Call&) {
        context_.runtime.spawn("autostart", power_on_all());
        return Value{};
    });
    dispatcher.add_direct("AutoStartPowerOff", [this](const task::Call&) {
        context_.runtime.spawn("autostop", power_off_all());
        return Value{};
    });
}

Awaitable<void> AutoStart::reconfigure(vim::HostAutoStartManagerConfig spec) {
    std::size_t index = 0;
    for (const auto& info : spec.powerInfo()) {
        const auto* machine = context_.inventory.find(info.key());
        if (machine == nullptr || machine->type() != TypeId::VirtualMachine) {
            throw vim::invalid_argument(
                fmt::format("spec.powerInfo[{}].key", index),
                fmt::format("There is no virtual machine '{}'.", info.key().id));
        }
        ++index;
    }
    co_await store(reconfigured(config_, spec));
}

Awaitable<void> AutoStart::store(vim::HostAutoStartManagerConfig config) {
    store::Batch batch;
    batch.put(record(kConfigId, vim::encode_json_value(config, TypeId::HostAutoStartManagerConfig,
                                                       vim::newest_release())));
    // At once, so that a second change which comes while this one is being stored builds on it.
    const auto old = config_;
    config_ = config;
    try {
        co_await context_.runtime.blocking(
            "store", [this, batch] { context_.store.commit_and_wait(batch); }, kStoreLimit);
    } catch (...) {
        if (config_ == config) config_ = old;
        throw;
    }
    show();
}

Awaitable<void> AutoStart::forget_destroyed() {
    co_await store(without(config_, [this](const MoRef& machine) {
        return context_.inventory.find(machine) == nullptr;
    }));
}

void AutoStart::show() {
    model::Transaction transaction(context_.inventory);
    transaction.set(references::autostart_manager, vim::property::HostAutoStartManager::config,
                    config_.raw());
    if (transaction.exists(references::host)) {
        edit_host_config(transaction,
                         [this](vim::HostConfigInfo& host) { host.set_autoStart(config_); });
    }
    transaction.commit();
}

std::string current_boot_id() {
    constexpr std::uint64_t limit_bytes = 256;
    try {
        std::string id = base::read_file("/proc/sys/kernel/random/boot_id", limit_bytes);
        while (!id.empty() && id.back() == '\n') id.pop_back();
        return id;
    } catch (const std::exception&) {
        return {};
    }
}

}  // namespace drover::host
