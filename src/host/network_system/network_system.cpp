#include "host/network_system/network_system.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "host/host_system/object.hpp"
#include "host/network_system/port_group_spec.hpp"
#include "host/networks.hpp"
#include "host/references.hpp"
#include "rootd/client.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using task::Awaitable;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::size_t kMostSwitchNameBytes = 31;
constexpr std::size_t kMostSwitches = 128;
constexpr std::size_t kMostGroups = 512;
constexpr std::chrono::seconds kHelperLimit{20};

vim::Fault already_exists(std::string_view name) {
    auto fault = vim::AlreadyExists::make();
    fault.set_name(name);
    return vim::Fault(fault, fmt::format("There is a '{}' already.", name));
}

vim::Fault not_found(std::string_view what, std::string_view name) {
    return vim::make_fault<vim::NotFound>(fmt::format("There is no {} '{}'.", what, name));
}

// `type` is one of the schema: clients look it up.
vim::Fault in_use(std::string_view type, std::string_view name, std::string message) {
    auto fault = vim::ResourceInUse::make();
    fault.set_type(type);
    fault.set_name(name);
    return vim::Fault(fault, std::move(message));
}

// One change of the network at a time: looking and changing are two steps.
class Change {
public:
    explicit Change(bool& flag) : flag_(flag) {
        if (flag_) throw host_config_fault("The network is being changed; try again.");
        flag_ = true;
    }
    ~Change() { flag_ = false; }
    Change(const Change&) = delete;
    Change& operator=(const Change&) = delete;

private:
    bool& flag_;
};

bool is_running(const model::Inventory& inventory, const vim::MoRef& machine) {
    const auto* object = inventory.find(machine);
    if (object == nullptr) return false;
    const vim::VirtualMachineRuntimeInfo runtime(
        object->property(vim::property::VirtualMachine::runtime));
    return runtime && runtime.powerState() != vim::VirtualMachinePowerState::poweredOff;
}

// What the root helper says is the host's reason.
template <class Work>
Awaitable<void> as_host_config(Work work) {
    std::string failure;
    try {
        co_await work();
    } catch (const rootd::OperationFailed& error) {
        failure = error.what();
    } catch (const rootd::Unreachable& error) {
        failure = error.what();
    }
    if (!failure.empty()) throw host_config_fault(failure);
}

}  // namespace

void NetworkSystem::start() {
    serve_switches();
    serve_groups();
    serve_hints();
}

vim::HostNetworkInfo NetworkSystem::info() const {
    return vim::HostNetworkInfo(context_.inventory.get(references::network_system)
                                    .property(vim::property::HostNetworkSystem::networkInfo));
}

void NetworkSystem::require_free_uplink(const std::string& uplink,
                                        std::string_view for_switch) const {
    if (uplink.empty()) return;
    const auto network = info();
    const auto nics = network.pnic().to_vector();
    const auto nic = std::ranges::find(nics, uplink, &vim::PhysicalNic::device);
    if (nic == nics.end()) throw host_config_fault(not_found("physical NIC", uplink).message());
    for (const auto& other : network.vswitch()) {
        if (other.name() == for_switch) continue;
        for (const auto key : other.pnic()) {
            if (key != nic->key().value_or("")) continue;
            throw in_use("PhysicalNic", uplink,
                         fmt::format("{} is the uplink of {}.", uplink, other.name()));
        }
    }
}

Awaitable<void> NetworkSystem::add_switch(std::string name, std::string uplink) {
    const Change change(changing_);
    check_network_name(name, kMostSwitchNameBytes, "vswitchName");
    const auto shown = info().vswitch().to_vector();
    const bool taken = context_.networks.find_switch(name) != nullptr ||
                       std::ranges::find(shown, name, &vim::HostVirtualSwitch::name) != shown.end();
    if (taken) throw already_exists(name);
    if (context_.networks.switches().size() >= kMostSwitches) {
        throw host_config_fault(fmt::format("There are {} switches already.", kMostSwitches));
    }
    require_free_uplink(uplink, name);
    if (context_.rootd == nullptr) {
        throw host_config_fault("Virtual switches are made by the root helper, and there is none.");
    }
    co_await as_host_config([&]() -> Awaitable<void> {
        const std::string prefix = co_await context_.runtime.blocking(
            "rootd", [this] { return context_.rootd->bridge_prefix(); }, kHelperLimit);
        SwitchEntry made;
        made.name = name;
        made.bridge = Networks::bridge_name(name, prefix, context_.random);
        made.uplink = uplink;
        made.is_configured = false;
        co_await context_.networks.put_switch(std::move(made));
    });
}

Awaitable<void> NetworkSystem::update_switch(std::string name, std::string uplink) {
    const Change change(changing_);
    const SwitchEntry* found = context_.networks.find_switch(name);
    if (found == nullptr) throw not_found("virtual switch", name);
    const auto shown = info().vswitch().to_vector();
    const auto at = std::ranges::find(shown, name, &vim::HostVirtualSwitch::name);
    const bool has_uplink = at != shown.end() && !at->pnic().empty();
    const std::string old_key = has_uplink ? std::string(at->pnic()[0]) : std::string{};
    if (old_key.ends_with("-" + uplink) || (uplink.empty() && !has_uplink)) co_return;
    if (has_uplink) {
        throw host_config_fault(
            "The uplink of a virtual switch can't be taken away while the host runs.");
    }
    require_free_uplink(uplink, name);
    SwitchEntry changed = *found;
    if (changed.is_configured) {
        throw host_config_fault("This switch belongs to the host's configuration file.");
    }
    changed.uplink = uplink;
    co_await as_host_config([&]() { return context_.networks.put_switch(changed); });
}

Awaitable<void> NetworkSystem::remove_switch(std::string name) {
    const Change change(changing_);
    const SwitchEntry* found = context_.networks.find_switch(name);
    if (found == nullptr) throw not_found("virtual switch", name);
    if (found->is_configured) {
        throw in_use("HostVirtualSwitch", name,
                     fmt::format("'{}' belongs to the host's configuration file.", name));
    }
    for (const NetworkEntry& entry : context_.networks.all()) {
        if (entry.vswitch == name) require_unused(entry.name);
    }
    co_await as_host_config([&]() { return context_.networks.remove_switch(name); });
}

void NetworkSystem::require_unused(std::string_view network) const {
    const NetworkEntry* entry = context_.networks.find(network);
    if (entry == nullptr) return;
    const Value& machines = context_.inventory.get(entry->ref).property(vim::property::Network::vm);
    for (const Value& each : machines ? machines.elements() : std::span<const Value>{}) {
        if (!is_running(context_.inventory, each.as_moref())) continue;
        throw in_use(
            "HostPortGroup", network,
            fmt::format("The running machine {} is connected to '{}'.", each.moref_id(), network));
    }
}

Awaitable<void> NetworkSystem::add_group(vim::HostPortGroupSpec spec) {
    const Change change(changing_);
    check_port_group(spec);
    const std::string name(spec.name());
    const std::string vswitch(spec.vswitchName());
    if (context_.networks.find_switch(vswitch) == nullptr) {
        throw not_found("virtual switch", vswitch);
    }
    if (context_.networks.find(name) != nullptr) throw already_exists(name);
    if (context_.networks.all().size() >= kMostGroups) {
        throw host_config_fault(fmt::format("There are {} port groups already.", kMostGroups));
    }
    co_await context_.networks.add_network(name, vswitch);
}

Awaitable<void> NetworkSystem::update_group(std::string name, vim::HostPortGroupSpec spec) {
    const Change change(changing_);
    const NetworkEntry* found = context_.networks.find(name);
    if (found == nullptr) throw not_found("port group", name);
    check_port_group(spec);
    const std::string new_name(spec.name());
    const std::string vswitch(spec.vswitchName());
    if (context_.networks.find_switch(vswitch) == nullptr) {
        throw not_found("virtual switch", vswitch);
    }
    if (new_name == name && vswitch == found->vswitch) co_return;
    if (new_name != name && context_.networks.find(new_name) != nullptr) {
        throw already_exists(new_name);
    }
    if (found->is_configured) {
        throw host_config_fault("This port group belongs to the host's configuration file.");
    }
    const Value& machines = context_.inventory.get(found->ref).property(vim::property::Network::vm);
    if (machines && !machines.elements().empty()) {
        throw host_config_fault(
            fmt::format("Machines are connected to '{}' by its name: move them first.", name));
    }
    co_await context_.networks.remove_network(name);
    co_await context_.networks.add_network(new_name, vswitch);
}

Awaitable<void> NetworkSystem::remove_group(std::string name) {
    const Change change(changing_);
    const NetworkEntry* found = context_.networks.find(name);
    if (found == nullptr) throw not_found("port group", name);
    if (found->is_configured) {
        throw in_use("HostPortGroup", name,
                     fmt::format("'{}' belongs to the host's configuration file.", name));
    }
    require_unused(name);
    co_await context_.networks.remove_network(name);
}

void NetworkSystem::serve_switches() {
    auto& dispatcher = context_.dispatcher;
    dispatcher.add("AddVirtualSwitch", [this](task::Call call) -> Awaitable<Value> {
        const auto request = call.arguments<vim::AddVirtualSwitchRequest>();
        co_await add_switch(std::string(request.vswitchName()), uplink_of(request.spec(), "spec"));
        co_await refresh_();
        co_return Value{};
    });
    dispatcher.add("UpdateVirtualSwitch", [this](task::Call call) -> Awaitable<Value> {
        const auto request = call.arguments<vim::UpdateVirtualSwitchRequest>();
        co_await update_switch(std::string(request.vswitchName()),
                               uplink_of(request.spec(), "spec"));
        co_await refresh_();
        co_return Value{};
    });
    dispatcher.add("RemoveVirtualSwitch", [this](task::Call call) -> Awaitable<Value> {
        co_await remove_switch(
            std::string(call.arguments<vim::RemoveVirtualSwitchRequest>().vswitchName()));
        co_await refresh_();
        co_return Value{};
    });
}

void NetworkSystem::serve_groups() {
    auto& dispatcher = context_.dispatcher;
    dispatcher.add("AddPortGroup", [this](task::Call call) -> Awaitable<Value> {
        co_await add_group(call.arguments<vim::AddPortGroupRequest>().portgrp());
        co_await refresh_();
        co_return Value{};
    });
    dispatcher.add("UpdatePortGroup", [this](task::Call call) -> Awaitable<Value> {
        const auto request = call.arguments<vim::UpdatePortGroupRequest>();
        co_await update_group(std::string(request.pgName()), request.portgrp());
        co_await refresh_();
        co_return Value{};
    });
    dispatcher.add("RemovePortGroup", [this](task::Call call) -> Awaitable<Value> {
        co_await remove_group(std::string(call.arguments<vim::RemovePortGroupRequest>().pgName()));
        co_await refresh_();
        co_return Value{};
    });
}

void NetworkSystem::serve_hints() {
    context_.dispatcher.add_direct("QueryNetworkHint",
                                   [this](const task::Call& call) { return hints(call); });
}

// The host listens for no announcements of neighbours: it knows a NIC's name and nothing else.
Value NetworkSystem::hints(const task::Call& call) const {
    const auto nics = info().pnic().to_vector();
    std::vector<std::string> wanted;
    const auto request = call.arguments<vim::QueryNetworkHintRequest>();
    for (const auto device : request.device()) wanted.emplace_back(device);
    for (const auto& device : wanted) {
        if (std::ranges::find(nics, device, &vim::PhysicalNic::device) == nics.end()) {
            throw not_found("physical NIC", device);
        }
    }
    std::vector<Value> list;
    for (const auto& nic : nics) {
        const bool asked =
            wanted.empty() || std::ranges::find(wanted, nic.device()) != wanted.end();
        if (!asked) continue;
        auto hint = vim::PhysicalNicHintInfo::make();
        hint.set_device(nic.device());
        list.push_back(hint.raw());
    }
    return Value::array(TypeId::PhysicalNicHintInfo, std::move(list));
}

}  // namespace drover::host
