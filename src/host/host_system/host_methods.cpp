#include <fmt/format.h>

#include <algorithm>

#include "base/log.hpp"
#include "host/host_system/capability.hpp"
#include "host/host_system/host_system.hpp"
#include "host/host_system/object.hpp"
#include "host/performance/host_counters.hpp"
#include "host/references.hpp"
#include "rootd/client.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using task::Awaitable;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::int64_t kMiB = 1 << 20;

// What QEMU takes for a machine beside the guest's memory: the process itself, each vCPU's threads,
// the video memory, and the tables that grow with the guest. An estimate on the safe side for idle
// guests; a machine with much disk traffic takes more for a time.
std::int64_t memory_overhead_bytes(std::int64_t memory_bytes, std::int64_t video_bytes,
                                   std::int64_t vcpus) {
    return 60 * kMiB + vcpus * 4 * kMiB + video_bytes + memory_bytes / 128;
}

Value query_memory_overhead(const task::Call& call) {
    const auto number = [&](std::string_view name) {
        const Value& value = call.request.property(name);
        return value ? value.as_integer() : 0;
    };
    const std::int64_t memory = number("memorySize");
    const std::int64_t vcpus = number("numVcpus");
    const std::int64_t video = number("videoRamSize");
    if (memory < 0) throw vim::invalid_argument("memorySize", "The size must not be negative.");
    if (video < 0) throw vim::invalid_argument("videoRamSize", "The size must not be negative.");
    if (vcpus < 1 || vcpus > kMostVcpus) {
        throw vim::invalid_argument("numVcpus",
                                    fmt::format("The number must be 1 to {}.", kMostVcpus));
    }
    return Value::long_(memory_overhead_bytes(memory, video, vcpus));
}

// The same of a machine's configuration.
Value query_memory_overhead_of(const task::Call& call) {
    const vim::VirtualMachineConfigInfo config(call.request.property("vmConfigInfo"));
    const auto hardware = config.hardware();
    if (hardware.memoryMB() < 0) {
        throw vim::invalid_argument("vmConfigInfo.hardware.memoryMB", "It must not be negative.");
    }
    if (hardware.numCPU() < 1 || hardware.numCPU() > kMostVcpus) {
        throw vim::invalid_argument("vmConfigInfo.hardware.numCPU",
                                    fmt::format("The number must be 1 to {}.", kMostVcpus));
    }
    constexpr std::int64_t kMostVideoKb = 1 << 20;  // more than any video card has
    std::int64_t video_kb = 0;
    for (const auto& device : hardware.device()) {
        const auto card = device.as<vim::VirtualMachineVideoCard>();
        if (card) video_kb = std::max<std::int64_t>(video_kb, card.videoRamSizeInKB().value_or(0));
    }
    video_kb = std::min(video_kb, kMostVideoKb);
    return Value::long_(
        memory_overhead_bytes(hardware.memoryMB() * kMiB, video_kb << 10, hardware.numCPU()));
}

// The summaries of the objects in a list of references, each in an object of a type of its own.
template <class Wrap>
std::vector<vim::DataHandle> each_summary(const model::Inventory& inventory, const Value& list,
                                          const Wrap& wrap) {
    std::vector<vim::DataHandle> found;
    if (!list) return found;
    for (const Value& each : list.elements()) {
        if (const auto* object = inventory.find(each.as_moref())) found.push_back(wrap(*object));
    }
    return found;
}

}  // namespace

void HostSystem::serve_methods() {
    auto& dispatcher = context_.dispatcher;
    dispatcher.add_direct("QueryMemoryOverhead", query_memory_overhead);
    dispatcher.add_direct("QueryMemoryOverheadEx", query_memory_overhead_of);
    dispatcher.add_direct("QueryHostConnectionInfo",
                          [this](const task::Call&) { return connection_info(); });
    dispatcher.add_direct("RetrieveHardwareUptime", [](const task::Call&) {
        return Value::long_(computer_uptime().count());
    });
    dispatcher.add("RefreshNetworkSystem", [this](task::Call) -> Awaitable<Value> {
        co_await refresh();
        co_return Value{};
    });
    serve_power();
}

// The computer's power, where the root helper may use it; whether it may is its administrator's to
// say. A host in a sandbox has no computer of its own.
void HostSystem::serve_power() {
    const auto serve = [this](std::string_view method, std::string description,
                              std::string action) {
        context_.tasks.add_method(
            context_.dispatcher, method, std::move(description),
            [this, action](task::Call call, task::TaskContextPtr) -> Awaitable<Value> {
                const bool force = call.request.property("force").as_boolean();
                co_await power_computer(call.caller->user, action, force);
                co_return Value{};
            });
    };
    serve("ShutdownHost_Task", "HostSystem.shutdown", "off");
    serve("RebootHost_Task", "HostSystem.reboot", "reboot");
    for (const std::string_view method :
         {"PowerDownHostToStandBy_Task", "PowerUpHostFromStandBy_Task"}) {
        context_.dispatcher.add_direct(method, [](const task::Call&) -> Value {
            throw vim::make_fault<vim::NotSupported>("This host has no standby.");
        });
    }
}

Awaitable<void> HostSystem::power_computer(std::string user, std::string action, bool force) {
    if (!force && !in_maintenance_) {
        throw vim::make_fault<vim::InvalidState>(
            "The host is not in maintenance mode: enter it first, or force.");
    }
    std::string failure = "there is no root helper";
    if (context_.rootd != nullptr) {
        failure.clear();
        base::log_warning("audit: '{}' powers the computer: {}", user, action);
        try {
            co_await context_.runtime.blocking(
                "rootd", [rootd = context_.rootd, action] { rootd->power_computer(action); },
                kCallLimit);
        } catch (const std::exception& error) {
            failure = error.what();
        }
    }
    if (failure.empty()) co_return;
    throw vim::make_fault<vim::NotSupported>("The computer's power is not the host's: " + failure);
}

vim::Value HostSystem::connection_info() const {
    namespace property = vim::property::HostSystem;
    const auto& inventory = context_.inventory;
    const auto& host = inventory.get(references::host);
    auto info = vim::HostConnectInfo::make();
    info.set_inDasCluster(false);
    info.set_host(vim::HostListSummary(host.property(property::summary)));
    std::vector<vim::VirtualMachineSummary> machines;
    if (const Value& list = host.property(property::vm)) {
        for (const Value& each : list.elements()) {
            const auto* machine = inventory.find(each.as_moref());
            if (machine == nullptr) continue;
            const Value& summary = machine->property(vim::property::VirtualMachine::summary);
            if (summary) machines.push_back(vim::VirtualMachineSummary(summary));
        }
    }
    info.set_vm(machines);
    info.set_vimAccountNameRequired(false);
    info.set_clusterSupported(true);
    info.set_network(
        each_summary(inventory, host.property(property::network), [](const auto& network) {
            return make_data(TypeId::HostConnectInfoNetworkInfo,
                             {{"summary", network.property(vim::property::Network::summary)}});
        }));
    info.set_datastore(
        each_summary(inventory, host.property(property::datastore), [](const auto& datastore) {
            return make_data(TypeId::HostDatastoreConnectInfo,
                             {{"summary", datastore.property(vim::property::Datastore::summary)}});
        }));
    info.set_capability(vim::HostCapability(host.property(property::capability)));
    return info.raw();
}

}  // namespace drover::host
