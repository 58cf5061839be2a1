#include "machine/layout.hpp"

#include <algorithm>
#include <map>

namespace drover::machine {
namespace {

constexpr std::size_t kMaxChain = 64;

struct Chain {
    std::int32_t key = 0;
    std::vector<std::string> names;  // the disk, then its parents
};

std::vector<Chain> chains_of(const vim::VirtualMachineConfigInfo& config, const Disks& disks) {
    std::vector<Chain> out;
    for (const auto& device : config.hardware().device()) {
        const auto backing = device.backing().as<vim::VirtualDeviceFileBackingInfo>();
        if (!device.is<vim::VirtualDisk>() || !backing) continue;
        Chain chain{device.key(), {}};
        std::string name(backing.fileName());
        while (!name.empty() && chain.names.size() < kMaxChain) {
            chain.names.push_back(name);
            const auto found = disks.find(name);
            name = found == disks.end() ? std::string{} : found->second.parent;
        }
        out.push_back(std::move(chain));
    }
    // From the base to the top, as the API lists them.
    for (auto& chain : out) std::ranges::reverse(chain.names);
    return out;
}

}  // namespace

vim::VirtualMachineConfigSummary config_summary(const vim::VirtualMachineConfigInfo& config) {
    std::int32_t nics = 0;
    std::int32_t disks = 0;
    for (const auto& device : config.hardware().device()) {
        nics += device.is<vim::VirtualEthernetCard>() ? 1 : 0;
        disks += device.is<vim::VirtualDisk>() ? 1 : 0;
    }
    auto summary = vim::VirtualMachineConfigSummary::make();
    summary.set_name(config.name());
    summary.set_template(config.template_());
    summary.set_vmPathName(config.files().vmPathName().value_or(""));
    summary.set_memorySizeMB(config.hardware().memoryMB());
    const auto narrow = [](std::optional<std::int64_t> value) {
        return static_cast<std::int32_t>(std::min<std::int64_t>(value.value_or(0), INT32_MAX));
    };
    summary.set_cpuReservation(narrow(config.cpuAllocation().reservation()));
    summary.set_memoryReservation(narrow(config.memoryAllocation().reservation()));
    summary.set_numCpu(config.hardware().numCPU());
    summary.set_numEthernetCards(nics);
    summary.set_numVirtualDisks(disks);
    summary.set_uuid(config.uuid());
    if (config.instanceUuid()) summary.set_instanceUuid(*config.instanceUuid());
    summary.set_guestId(config.guestId());
    summary.set_guestFullName(config.guestFullName());
    summary.set_annotation(config.annotation().value_or(""));
    summary.set_installBootRequired(false);
    summary.set_tpmPresent(false);
    summary.set_numVmiopBackings(0);
    summary.set_hwVersion(config.version());
    return summary;
}

vim::VirtualMachineFileLayout file_layout(const vim::VirtualMachineConfigInfo& config,
                                          const Disks& disks,
                                          const std::vector<MachineFile>& files) {
    std::vector<std::string_view> configs;
    std::vector<std::string_view> logs;
    auto layout = vim::VirtualMachineFileLayout::make();
    for (const MachineFile& file : files) {
        if (file.type == "config" || file.type == "nvram") configs.push_back(file.name);
        if (file.type == "log") logs.push_back(file.name);
        if (file.type == "swap") layout.set_swapFile(file.name);
    }
    layout.set_configFile(configs);
    layout.set_logFile(logs);
    std::vector<vim::VirtualMachineFileLayoutDiskLayout> out;
    for (const Chain& chain : chains_of(config, disks)) {
        auto disk = vim::VirtualMachineFileLayoutDiskLayout::make();
        disk.set_key(chain.key);
        disk.set_diskFile({chain.names.begin(), chain.names.end()});
        out.push_back(disk);
    }
    layout.set_disk(out);
    return layout;
}

vim::VirtualMachineFileLayoutEx file_layout_ex(const vim::VirtualMachineConfigInfo& config,
                                               const Disks& disks,
                                               const std::vector<MachineFile>& files,
                                               base::WallTime now) {
    std::vector<vim::VirtualMachineFileLayoutExFileInfo> infos;
    std::map<std::string, std::int32_t> keys;
    const auto add = [&](const std::string& name, std::string_view type, std::int64_t size_bytes,
                         bool accessible, bool shared) {
        const auto [found, is_new] = keys.emplace(name, static_cast<std::int32_t>(infos.size()));
        if (is_new) {
            auto info = vim::VirtualMachineFileLayoutExFileInfo::make();
            info.set_key(found->second);
            info.set_name(name);
            info.set_type(type);
            info.set_size(size_bytes);
            info.set_uniqueSize(shared ? 0 : size_bytes);
            info.set_backingObjectId("");
            info.set_accessible(accessible);
            infos.push_back(info);
        }
        return found->second;
    };
    for (const MachineFile& file : files) add(file.name, file.type, file.size_bytes, true, false);
    std::vector<vim::VirtualMachineFileLayoutExDiskLayout> layouts;
    for (const Chain& chain : chains_of(config, disks)) {
        std::vector<vim::VirtualMachineFileLayoutExDiskUnit> units;
        for (const std::string& name : chain.names) {
            const bool shared = name != chain.names.back();
            const auto found = disks.find(name);
            const bool known = found != disks.end();
            std::vector<std::int32_t> unit_keys{add(name, "diskDescriptor", 0, known, shared)};
            if (known && !found->second.extent_file.empty()) {
                unit_keys.push_back(add(found->second.extent_file, "diskExtent",
                                        found->second.used_bytes, true, shared));
            }
            auto unit = vim::VirtualMachineFileLayoutExDiskUnit::make();
            unit.set_fileKey(unit_keys);
            units.push_back(unit);
        }
        auto layout = vim::VirtualMachineFileLayoutExDiskLayout::make();
        layout.set_key(chain.key);
        layout.set_chain(units);
        layouts.push_back(layout);
    }
    auto out = vim::VirtualMachineFileLayoutEx::make();
    out.set_file(infos);
    out.set_disk(layouts);
    out.set_timestamp(now);
    return out;
}

vim::VirtualMachineStorageInfo storage_info(const vim::VirtualMachineConfigInfo& config,
                                            const ReadContext& context,
                                            const std::vector<MachineFile>& files,
                                            base::WallTime now) {
    struct Usage {
        std::int64_t committed = 0;
        std::int64_t uncommitted = 0;
        std::int64_t unshared = 0;
    };
    std::map<std::string, Usage> usage;
    const auto datastore_of = [](std::string_view name) {
        const auto parsed = DatastoreFile::parse(name);
        return parsed ? parsed->datastore : std::string{};
    };
    usage[machine_directory(context.vm_path).datastore];
    for (const MachineFile& file : files) {
        auto& entry = usage[datastore_of(file.name)];
        entry.committed += file.size_bytes;
        entry.unshared += file.size_bytes;
    }
    std::set<std::string> counted;
    for (const Chain& chain : chains_of(config, context.disks)) {
        for (const std::string& name : chain.names) {
            const auto found = context.disks.find(name);
            if (found == context.disks.end() || !counted.insert(name).second) continue;
            const DiskFacts& facts = found->second;
            auto& entry = usage[datastore_of(name)];
            entry.committed += facts.used_bytes;
            if (name != chain.names.back()) continue;
            entry.unshared += facts.used_bytes;
            if (facts.provisioning == Provisioning::thin) {
                entry.uncommitted +=
                    std::max<std::int64_t>(facts.capacity_bytes - facts.used_bytes, 0);
            }
        }
    }
    std::vector<vim::VirtualMachineUsageOnDatastore> out;
    for (const auto& [name, entry] : usage) {
        const auto found = context.datastores.find(name);
        if (found == context.datastores.end() || !found->second.reference) continue;
        auto item = vim::VirtualMachineUsageOnDatastore::make();
        item.set_datastore(found->second.reference);
        item.set_committed(entry.committed);
        item.set_uncommitted(entry.uncommitted);
        item.set_unshared(entry.unshared);
        out.push_back(item);
    }
    auto info = vim::VirtualMachineStorageInfo::make();
    info.set_perDatastoreUsage(out);
    info.set_timestamp(now);
    return info;
}

vim::VirtualMachineStorageSummary storage_summary(const vim::VirtualMachineStorageInfo& info) {
    std::int64_t committed = 0;
    std::int64_t uncommitted = 0;
    std::int64_t unshared = 0;
    for (const auto& item : info.perDatastoreUsage()) {
        committed += item.committed();
        uncommitted += item.uncommitted();
        unshared += item.unshared();
    }
    auto summary = vim::VirtualMachineStorageSummary::make();
    summary.set_committed(committed);
    summary.set_uncommitted(uncommitted);
    summary.set_unshared(unshared);
    summary.set_timestamp(info.timestamp());
    return summary;
}

}  // namespace drover::machine
