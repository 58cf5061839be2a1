#include "host/environment/environment_browser.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/datastores.hpp"
#include "host/environment/config_option.hpp"
#include "host/networks.hpp"
#include "host/references.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using vim::MoRef;
using vim::TypeId;
using vim::Value;

namespace {

constexpr std::size_t kMostGuestIds = 1'000;

void check_host(const std::optional<MoRef>& host) {
    if (host && *host != references::host) {
        throw vim::invalid_argument("host", fmt::format("There is no host '{}'.", host->id));
    }
}

// The API: without a key the usual version; an unknown key has no answer.
Value config_option(const HostContext& context, std::optional<std::string_view> key,
                    const std::vector<std::string>& guest_ids) {
    const auto version =
        key && !key->empty() ? hardware_version(*key) : std::optional(kUsualHardwareVersion);
    if (!version) return {};
    return make_config_option(context, *version, guest_ids).raw();
}

Value config_option_ex(const HostContext& context, const task::Call& call) {
    const auto spec = call.arguments<vim::QueryConfigOptionExRequest>().spec();
    if (!spec) return config_option(context, std::nullopt, {});
    check_host(spec.host());
    if (spec.guestId().size() > kMostGuestIds) {
        throw vim::invalid_argument("spec.guestId",
                                    fmt::format("There may be {} entries at most.", kMostGuestIds));
    }
    std::vector<std::string> guests;
    for (const auto id : spec.guestId()) guests.emplace_back(id);
    return config_option(context, spec.key(), guests);
}

std::vector<vim::VirtualMachineDatastoreInfo> datastores(const HostContext& context) {
    std::vector<vim::VirtualMachineDatastoreInfo> list;
    for (const auto& entry : context.datastores.all()) {
        const auto* object = context.inventory.find(entry->ref);
        if (object == nullptr || !entry->info.accessible) continue;
        auto made = vim::VirtualMachineDatastoreInfo::make();
        made.set_name(entry->name);
        made.set_datastore(
            vim::DatastoreSummary(object->property(vim::property::Datastore::summary)));
        made.set_capability(
            vim::DatastoreCapability(object->property(vim::property::Datastore::capability)));
        made.set_maxFileSize(static_cast<std::int64_t>(entry->info.max_file_size_bytes));
        made.set_maxVirtualDiskCapacity(static_cast<std::int64_t>(entry->info.max_file_size_bytes));
        made.set_mode("readWrite");
        made.set_vStorageSupport("vStorageUnsupported");
        list.push_back(std::move(made));
    }
    return list;
}

std::vector<vim::VirtualMachineNetworkInfo> networks(const HostContext& context) {
    std::vector<vim::VirtualMachineNetworkInfo> list;
    for (const auto& entry : context.networks.all()) {
        const auto* object = context.inventory.find(entry.ref);
        if (object == nullptr) continue;
        auto made = vim::VirtualMachineNetworkInfo::make();
        made.set_name(entry.name);
        made.set_network(vim::NetworkSummary(object->property(vim::property::Network::summary)));
        made.set_vswitch(entry.bridge);
        list.push_back(std::move(made));
    }
    return list;
}

Value config_target(const HostContext& context) {
    const Capacity capacity = capacity_of(context.config, context.host_info);
    const auto memory_mb =
        static_cast<std::int32_t>(std::min<std::uint64_t>(capacity.memory_bytes >> 20, INT32_MAX));
    const bool one_node = capacity.is_part || context.host_info.numa_cells.empty();
    auto target = vim::ConfigTarget::make();
    target.set_numCpus(static_cast<std::int32_t>(capacity.threads));
    target.set_numCpuCores(static_cast<std::int32_t>(capacity.cores));
    target.set_numNumaNodes(
        one_node ? 1 : static_cast<std::int32_t>(context.host_info.numa_cells.size()));
    target.set_maxCpusPerHost(static_cast<std::int32_t>(capacity.threads));
    target.set_smcPresent(false);
    target.set_datastore(datastores(context));
    target.set_network(networks(context));
    target.set_maxMemMBOptimalPerf(memory_mb);
    target.set_supportedMaxMemMB(memory_mb);
    target.set_autoVmotion(false);
    if (const auto* pool = context.inventory.find(references::root_pool)) {
        target.set_resourcePool(
            vim::ResourcePoolRuntimeInfo(pool->property(vim::property::ResourcePool::runtime)));
    }
    return target.raw();
}

}  // namespace

void serve_environment_browser(const HostContext& context) {
    const auto& self = references::environment_browser;
    model::Transaction transaction(context.inventory);
    transaction.create(self.type, self.id);
    transaction.set(self, vim::property::EnvironmentBrowser::datastoreBrowser,
                    Value::moref(references::datastore_browser));
    transaction.commit();
    auto& dispatcher = context.dispatcher;
    dispatcher.add_direct("QueryConfigOptionDescriptor",
                          [](const task::Call&) { return make_config_option_descriptors(); });
    dispatcher.add_direct("QueryConfigOption", [&context](const task::Call& call) {
        const auto arguments = call.arguments<vim::QueryConfigOptionRequest>();
        check_host(arguments.host());
        return config_option(context, arguments.key(), {});
    });
    dispatcher.add_direct("QueryConfigOptionEx", [&context](const task::Call& call) {
        return config_option_ex(context, call);
    });
    dispatcher.add_direct("QueryConfigTarget", [&context](const task::Call& call) {
        check_host(call.arguments<vim::QueryConfigTargetRequest>().host());
        return config_target(context);
    });
    dispatcher.add_direct("QueryTargetCapabilities", [&context](const task::Call& call) {
        const Value& host = call.request.property("host");
        check_host(host ? std::optional(host.as_moref()) : std::nullopt);
        const auto* object = context.inventory.find(references::host);
        return object == nullptr ? Value{}
                                 : object->property(vim::property::HostSystem::capability);
    });
}

}  // namespace drover::host
