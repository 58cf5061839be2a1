#include "host/storage_system/storage_system.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "host/datastores.hpp"
#include "host/host_system/host_config.hpp"
#include "host/references.hpp"
#include "host/storage_system/storage_view.hpp"
#include "vim/properties.hpp"

namespace drover::host {

using task::Awaitable;
using vim::Value;
namespace property = vim::property::HostStorageSystem;

namespace {

constexpr std::chrono::seconds kLookLimit{30};

}  // namespace

Awaitable<void> StorageSystem::start() {
    const auto& self = references::storage_system;
    model::Transaction transaction(context_.inventory);
    transaction.create(self.type, self.id);
    transaction.commit();
    co_await refresh();
    serve_methods();
}

Awaitable<void> StorageSystem::refresh() {
    devices_ =
        co_await context_.runtime.blocking("host", [] { return read_block_devices(); }, kLookLimit);
    const auto devices = make_storage_devices(devices_);
    const auto volumes = make_file_systems(context_.datastores);
    const auto& self = references::storage_system;
    model::Transaction transaction(context_.inventory);
    transaction.set(self, property::storageDeviceInfo, devices.raw());
    transaction.set(self, property::fileSystemVolumeInfo, volumes.raw());
    edit_host_config(transaction, [&](vim::HostConfigInfo& host) {
        host.set_storageDevice(devices);
        host.set_fileSystemVolume(volumes);
    });
    vim::HostListSummary summary(
        transaction.get(references::host, vim::property::HostSystem::summary));
    auto hardware = summary.hardware();
    hardware.set_numHBAs(static_cast<std::int32_t>(devices.hostBusAdapter().size()));
    summary.set_hardware(hardware);
    transaction.set(references::host, vim::property::HostSystem::summary, summary.raw());
    transaction.commit();
}

void StorageSystem::serve_methods() {
    auto& dispatcher = context_.dispatcher;
    for (const std::string_view method : {"RescanAllHba", "RefreshStorageSystem"}) {
        dispatcher.add(method, [this](task::Call) -> Awaitable<Value> {
            co_await refresh();
            co_return Value{};
        });
    }
    dispatcher.add("RescanHba", [this](task::Call call) -> Awaitable<Value> {
        const auto request = call.arguments<vim::RescanHbaRequest>();
        const auto adapters = make_storage_devices(devices_).hostBusAdapter().to_vector();
        if (std::ranges::find(adapters, request.hbaDevice(), &vim::HostHostBusAdapter::device) ==
            adapters.end()) {
            throw vim::make_fault<vim::NotFound>(
                fmt::format("There is no adapter '{}'.", request.hbaDevice()));
        }
        co_await refresh();
        co_return Value{};
    });
    // Volumes of ours are datastores: whether they are there again.
    dispatcher.add("RescanVmfs", [this](task::Call) -> Awaitable<Value> {
        std::vector<vim::MoRef> all;
        for (const auto& entry : context_.datastores.all()) all.push_back(entry->ref);
        for (const auto& ref : all) {
            if (DatastoreEntry* entry = context_.datastores.find(ref)) {
                co_await context_.datastores.refresh(*entry);
            }
        }
        co_await refresh();
        co_return Value{};
    });
}

}  // namespace drover::host
