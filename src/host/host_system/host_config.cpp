#include "host/host_system/host_config.hpp"

#include "host/host_system/network_view.hpp"
#include "host/references.hpp"
#include "host/service_instance.hpp"
#include "vim/properties.hpp"

namespace drover::host {
namespace {

// Hosts of this kind keep UTC; guests have their own time.
vim::HostDateTimeInfo make_date_time() {
    auto zone = vim::HostDateTimeSystemTimeZone::make();
    zone.set_key("UTC");
    zone.set_name("UTC");
    zone.set_description("UTC");
    zone.set_gmtOffset(0);
    auto made = vim::HostDateTimeInfo::make();
    made.set_timeZone(zone);
    return made;
}

vim::HostHyperThreadScheduleInfo make_hyper_threading(const Capacity& capacity) {
    const bool there = capacity.threads > capacity.cores;
    auto made = vim::HostHyperThreadScheduleInfo::make();
    made.set_available(there);
    made.set_active(there);
    made.set_config(there);
    return made;
}

vim::HostDatastoreSystemCapabilities make_datastore_capabilities() {
    auto made = vim::HostDatastoreSystemCapabilities::make();
    made.set_nfsMountCreationRequired(false);
    made.set_nfsMountCreationSupported(false);
    made.set_localDatastoreSupported(true);
    made.set_vmfsExtentExpansionSupported(false);
    return made;
}

}  // namespace

vim::HostConfigInfo make_host_config(const HostContext& context, const Capacity& capacity) {
    auto config = vim::HostConfigInfo::make();
    config.set_host(references::host);
    config.set_product(make_about(context));
    config.set_hyperThread(make_hyper_threading(capacity));
    config.set_capabilities(make_network_capabilities());
    config.set_offloadCapabilities(make_offload_capabilities());
    config.set_datastoreCapabilities(make_datastore_capabilities());
    config.set_dateTimeInfo(make_date_time());
    config.set_option({});
    config.set_adminDisabled(false);
    config.set_lockdownMode(vim::HostLockdownMode::lockdownDisabled);
    config.set_wakeOnLanCapable(false);
    return config;
}

vim::HostFileSystemVolumeInfo make_file_systems(const Datastores& datastores) {
    std::vector<vim::HostFileSystemMountInfo> mounts;
    for (const auto& entry : datastores.all()) {
        auto mount = vim::HostMountInfo::make();
        const std::string path = "/vmfs/volumes/" + entry->ref.id;
        mount.set_path(path);
        mount.set_accessMode("readWrite");
        mount.set_mounted(true);
        mount.set_accessible(entry->info.accessible);
        auto volume = vim::HostLocalFileSystemVolume::make();
        volume.set_type("OTHER");
        volume.set_name(entry->name);
        volume.set_capacity(static_cast<std::int64_t>(entry->info.capacity_bytes));
        volume.set_device(path);
        auto made = vim::HostFileSystemMountInfo::make();
        made.set_mountInfo(mount);
        made.set_volume(volume);
        made.set_vStorageSupport("vStorageUnsupported");
        mounts.push_back(std::move(made));
    }
    auto info = vim::HostFileSystemVolumeInfo::make();
    info.set_volumeTypeList({"OTHER"});
    info.set_mountInfo(mounts);
    return info;
}

vim::HostConfigManager make_config_manager(const model::Inventory& inventory) {
    auto made = vim::HostConfigManager::make();
    const auto is_there = [&](const vim::MoRef& ref) { return inventory.find(ref) != nullptr; };
    if (is_there(references::datastore_system)) {
        made.set_datastoreSystem(references::datastore_system);
    }
    if (is_there(references::network_system)) made.set_networkSystem(references::network_system);
    if (is_there(references::autostart_manager)) {
        made.set_autoStartManager(references::autostart_manager);
    }
    if (is_there(references::account_manager)) {
        made.set_accountManager(references::account_manager);
    }
    if (is_there(references::options)) made.set_advancedOption(references::options);
    if (is_there(references::license_manager)) made.set_licenseManager(references::license_manager);
    if (is_there(references::service_system)) made.set_serviceSystem(references::service_system);
    if (is_there(references::date_time_system)) {
        made.set_dateTimeSystem(references::date_time_system);
    }
    if (is_there(references::firewall_system)) made.set_firewallSystem(references::firewall_system);
    if (is_there(references::storage_system)) made.set_storageSystem(references::storage_system);
    if (is_there(references::certificate_manager)) {
        made.set_certificateManager(references::certificate_manager);
    }
    if (is_there(references::virtual_nic_manager)) {
        made.set_virtualNicManager(references::virtual_nic_manager);
    }
    if (is_there(references::vmotion_system)) made.set_vmotionSystem(references::vmotion_system);
    return made;
}

void edit_host_config(model::Transaction& transaction,
                      const std::function<void(vim::HostConfigInfo&)>& edit) {
    namespace property = vim::property::HostSystem;
    if (!transaction.exists(references::host)) return;
    vim::HostConfigInfo config(transaction.get(references::host, property::config));
    if (!config) return;  // the host is not shown yet
    edit(config);
    transaction.set(references::host, property::config, config.raw());
}

}  // namespace drover::host
