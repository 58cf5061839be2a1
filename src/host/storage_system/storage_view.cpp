#include "host/storage_system/storage_view.hpp"

#include <fmt/format.h>

#include <map>

#include "host/host_system/object.hpp"

namespace drover::host {

using vim::TypeId;
using vim::Value;

namespace {

constexpr std::int8_t kVendorProductData = 5;  // the name space of names that a vendor gave

struct Adapter {
    std::size_t number = 0;
    std::string pci_address;
    std::string driver;
    std::vector<const BlockDevice*> devices;

    std::string device() const { return fmt::format("vmhba{}", number); }
    std::string key() const { return fmt::format("key-vim.host.BlockHba-{}", device()); }
};

std::vector<Adapter> adapters_of(const std::vector<BlockDevice>& devices) {
    std::map<std::string, Adapter> by_address;
    for (const BlockDevice& device : devices) {
        Adapter& adapter = by_address[device.pci_address];
        adapter.pci_address = device.pci_address;
        adapter.driver = device.driver;
        adapter.devices.push_back(&device);
    }
    std::vector<Adapter> adapters;
    for (auto& [address, adapter] : by_address) {
        adapter.number = adapters.size();
        adapters.push_back(std::move(adapter));
    }
    return adapters;
}

// The same disk keeps its name if it has one that nobody else has.
std::string canonical_name(const BlockDevice& device) {
    if (device.serial.empty()) return fmt::format("local.{}", device.name);
    std::string name = "t10.";
    for (const std::string* part : {&device.vendor, &device.model, &device.serial}) {
        for (const char c : *part) {
            const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                               (c >= 'a' && c <= 'z') || c == '-' || c == '.';
            name += plain ? c : '_';
        }
        if (!part->empty() && part != &device.serial) name += '_';
    }
    return name;
}

std::string disk_key(const BlockDevice& device) {
    return fmt::format("key-vim.host.ScsiDisk-{}", canonical_name(device));
}

Value bytes_value(std::string_view text) {
    std::vector<Value> bytes;
    for (const char c : text) bytes.push_back(Value::byte_(static_cast<std::int8_t>(c)));
    return Value::array(TypeId::byte_, std::move(bytes));
}

Value list_of(TypeId type, const std::vector<vim::DataHandle>& handles) {
    std::vector<Value> values;
    for (const auto& handle : handles) values.push_back(handle.raw());
    return Value::array(type, std::move(values));
}

vim::DataHandle make_durable_name(const BlockDevice& device) {
    return make_data(TypeId::ScsiLunDurableName, {{"namespace", text_value("GENERIC_VPD")},
                                                  {"namespaceId", Value::byte_(kVendorProductData)},
                                                  {"data", bytes_value(canonical_name(device))}});
}

vim::HostScsiDisk make_disk(const BlockDevice& device) {
    const std::string name = canonical_name(device);
    const std::string path = "/dev/" + device.name;
    const Value capacity =
        make_data(TypeId::HostDiskDimensionsLba,
                  {{"blockSize", Value::int_(static_cast<std::int32_t>(device.block_bytes))},
                   {"block", Value::long_(static_cast<std::int64_t>(device.size_bytes /
                                                                    device.block_bytes))}})
            .raw();
    const Value durable = make_durable_name(device).raw();
    const auto or_unknown = [](const std::string& text) {
        return text_value(text.empty() ? "Unknown" : std::string_view(text));
    };
    const auto disk =
        make_data(TypeId::HostScsiDisk,
                  {{"deviceName", text_value(path)},
                   {"deviceType", text_value("disk")},
                   {"key", text_value(disk_key(device))},
                   {"uuid", text_value(name)},
                   {"canonicalName", text_value(name)},
                   {"displayName", text_value(fmt::format("Local disk ({})", device.name))},
                   {"lunType", text_value("disk")},
                   {"vendor", or_unknown(device.vendor)},
                   {"model", or_unknown(device.model)},
                   {"revision", or_unknown(device.revision)},
                   {"serialNumber", device.serial.empty() ? Value{} : text_value(device.serial)},
                   {"durableName", durable},
                   {"alternateName", Value::array(TypeId::ScsiLunDurableName, {durable})},
                   {"operationalState", texts_value({"ok"})},
                   {"vStorageSupport", text_value("vStorageUnsupported")},
                   {"capacity", capacity},
                   {"devicePath", text_value(path)},
                   {"ssd", Value::boolean(!device.is_rotational)},
                   {"localDisk", Value::boolean(true)}});
    return vim::HostScsiDisk(disk.raw());
}

vim::DataHandle make_adapter(const Adapter& adapter) {
    return make_data(
        TypeId::HostBlockHba,
        {{"key", text_value(adapter.key())},
         {"device", text_value(adapter.device())},
         {"bus", Value::int_(static_cast<std::int32_t>(adapter.number))},
         {"status", text_value("online")},
         {"model",
          text_value(adapter.driver.empty() ? "Block adapter" : std::string_view(adapter.driver))},
         {"driver", adapter.driver.empty() ? Value{} : text_value(adapter.driver)},
         {"pci", adapter.pci_address.empty() ? Value{} : text_value(adapter.pci_address)}});
}

vim::DataHandle make_topology(const Adapter& adapter) {
    std::vector<vim::DataHandle> targets;
    for (const BlockDevice* device : adapter.devices) {
        const auto number = static_cast<std::int32_t>(targets.size());
        const auto lun = make_data(
            TypeId::HostScsiTopologyLun,
            {{"key",
              text_value(fmt::format("key-vim.host.ScsiTopology.Lun-{}", canonical_name(*device)))},
             {"lun", Value::int_(0)},
             {"scsiLun", text_value(disk_key(*device))}});
        targets.push_back(
            make_data(TypeId::HostScsiTopologyTarget,
                      {{"key", text_value(fmt::format("key-vim.host.ScsiTopology.Target-{}:0:{}",
                                                      adapter.device(), number))},
                       {"target", Value::int_(number)},
                       {"lun", Value::array(TypeId::HostScsiTopologyLun, {lun.raw()})}}));
    }
    return make_data(TypeId::HostScsiTopologyInterface,
                     {{"key", text_value(fmt::format("key-vim.host.ScsiTopology.Interface-{}",
                                                     adapter.device()))},
                      {"adapter", text_value(adapter.key())},
                      {"target", list_of(TypeId::HostScsiTopologyTarget, targets)}});
}

// One way to each disk.
vim::DataHandle make_multipath(const Adapter& adapter, std::size_t target,
                               const BlockDevice& device) {
    const std::string name = canonical_name(device);
    const std::string lun_key = fmt::format("key-vim.host.MultipathInfo.LogicalUnit-{}", name);
    const std::string path_name = fmt::format("{}:C0:T{}:L0", adapter.device(), target);
    const auto path = make_data(
        TypeId::HostMultipathInfoPath,
        {{"key", text_value(fmt::format("key-vim.host.MultipathInfo.Path-{}", path_name))},
         {"name", text_value(path_name)},
         {"pathState", text_value("active")},
         {"state", text_value("active")},
         {"isWorkingPath", Value::boolean(true)},
         {"adapter", text_value(adapter.key())},
         {"lun", text_value(lun_key)},
         {"transport", make_data(TypeId::HostBlockAdapterTargetTransport, {}).raw()}});
    const auto policy =
        make_data(TypeId::HostMultipathInfoFixedLogicalUnitPolicy,
                  {{"policy", text_value("VMW_PSP_FIXED")}, {"prefer", text_value(path_name)}});
    return make_data(TypeId::HostMultipathInfoLogicalUnit,
                     {{"key", text_value(lun_key)},
                      {"id", text_value(name)},
                      {"lun", text_value(disk_key(device))},
                      {"path", Value::array(TypeId::HostMultipathInfoPath, {path.raw()})},
                      {"policy", policy.raw()}});
}

}  // namespace

vim::HostStorageDeviceInfo make_storage_devices(const std::vector<BlockDevice>& devices) {
    std::vector<vim::DataHandle> adapters;
    std::vector<vim::DataHandle> disks;
    std::vector<vim::DataHandle> topology;
    std::vector<vim::DataHandle> units;
    for (const Adapter& adapter : adapters_of(devices)) {
        adapters.push_back(make_adapter(adapter));
        topology.push_back(make_topology(adapter));
        std::size_t target = 0;
        for (const BlockDevice* device : adapter.devices) {
            disks.push_back(make_disk(*device));
            units.push_back(make_multipath(adapter, target++, *device));
        }
    }
    const auto made =
        make_data(TypeId::HostStorageDeviceInfo,
                  {{"hostBusAdapter", list_of(TypeId::HostHostBusAdapter, adapters)},
                   {"scsiLun", list_of(TypeId::ScsiLun, disks)},
                   {"scsiTopology",
                    make_data(TypeId::HostScsiTopology,
                              {{"adapter", list_of(TypeId::HostScsiTopologyInterface, topology)}})
                        .raw()},
                   {"multipathInfo",
                    make_data(TypeId::HostMultipathInfo,
                              {{"lun", list_of(TypeId::HostMultipathInfoLogicalUnit, units)}})
                        .raw()},
                   {"softwareInternetScsiEnabled", Value::boolean(false)}});
    return vim::HostStorageDeviceInfo(made.raw());
}

}  // namespace drover::host
