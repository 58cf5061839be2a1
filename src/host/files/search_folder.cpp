#include "host/files/search_folder.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "vmx/disk_descriptor.hpp"
#include "vmx/vmx_file.hpp"

namespace drover::host::files {

using storage::DatastorePath;
using storage::FileInfo;
using storage::FileKind;
using storage::StorageError;
using storage::StorageErrorKind;

namespace {

constexpr std::string_view kFlatDisk = "VirtualDiskFlatVer2BackingInfo";
constexpr std::string_view kDeltaDisk = "VirtualDiskSparseVer2BackingInfo";

// What is known of a disk besides its name.
struct DiskFacts {
    storage::DiskDescription disk;
    std::optional<std::int32_t> hardware_version;
};

std::optional<std::int32_t> to_number(std::string_view text) {
    std::int32_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::optional<DiskFacts> read_disk(storage::Datastore& store, const DatastorePath& path) {
    try {
        DiskFacts facts{store.volumes().describe_disk(path), std::nullopt};
        const auto descriptor = vmx::DiskDescriptor::parse(
            store.blobs().read(path, vmx::DiskDescriptor::kMaxFileBytes));
        if (!descriptor) return facts;
        if (const auto version = descriptor->find("ddb.virtualHWVersion")) {
            facts.hardware_version = to_number(*version);
        }
        return facts;
    } catch (const StorageError& error) {
        if (error.kind() == StorageErrorKind::inaccessible) throw;
        return std::nullopt;
    }
}

std::optional<std::int32_t> read_config_version(storage::Datastore& store,
                                                const DatastorePath& path) {
    try {
        const auto file =
            vmx::VmxFile::parse(store.blobs().read(path, vmx::VmxFile::kMaxFileBytes));
        if (!file) return std::nullopt;
        const auto version = file->get("virtualHW.version");
        return version ? to_number(*version) : std::nullopt;
    } catch (const StorageError& error) {
        if (error.kind() == StorageErrorKind::inaccessible) throw;
        return std::nullopt;
    }
}

std::string_view controller_of(std::string_view adapter) {
    if (adapter == "ide") return "VirtualIDEController";
    if (adapter == "buslogic") return "VirtualBusLogicController";
    if (adapter == "pvscsi") return "ParaVirtualSCSIController";
    return "VirtualLsiLogicController";
}

std::string_view disk_type_of(const storage::DiskDescription& disk) {
    return disk.chain.size() > 1 ? kDeltaDisk : kFlatDisk;
}

template <class List, class Item>
bool passes(const List& wanted, const Item& item) {
    return wanted.empty() || std::ranges::find(wanted, item) != wanted.end();
}

bool passes(const FileSearch::Query& query, const std::optional<DiskFacts>& facts) {
    const bool filters = query.thin || !query.disk_types.empty() ||
                         !query.controller_types.empty() || !query.hardware_versions.empty();
    if (!filters) return true;
    if (!facts) return false;
    const bool thin = facts->disk.provisioning == storage::Provisioning::thin;
    return (!query.thin || *query.thin == thin) &&
           passes(query.disk_types, disk_type_of(facts->disk)) &&
           passes(query.controller_types, controller_of(facts->disk.adapter_type)) &&
           passes(query.hardware_versions, facts->hardware_version.value_or(0));
}

void describe(vim::VmDiskFileInfo& info, const FileSearch::Query& query, const DiskFacts& facts) {
    if (query.disk_type) info.set_diskType(disk_type_of(facts.disk));
    if (query.capacity) {
        info.set_capacityKb(static_cast<std::int64_t>(facts.disk.capacity_bytes / 1024));
    }
    if (query.hardware_version && facts.hardware_version) {
        info.set_hardwareVersion(*facts.hardware_version);
    }
    if (query.controller_type) info.set_controllerType(controller_of(facts.disk.adapter_type));
    if (query.provisioning) {
        info.set_thin(facts.disk.provisioning == storage::Provisioning::thin);
    }
    if (!query.extents) return;
    const std::string data = facts.disk.chain.front().data.to_string();
    info.set_diskExtents({data});
}

class FolderSearch {
public:
    FolderSearch(storage::Datastore& store, const DatastorePath& folder, const FileSearch& search)
        : store_(store), folder_(folder), search_(search) {}

    FolderContent run(std::stop_token stop) {
        auto entries = store_.blobs().list(folder_);
        std::set<std::string, std::less<>> names;
        for (const FileInfo& entry : entries) names.insert(entry.name);
        if (search_.folders_first) {
            // They come in the order of names.
            const auto rank = [](const FileInfo& entry) {
                return std::pair(entry.kind != FileKind::directory, std::string_view(entry.name));
            };
            std::ranges::sort(entries, {}, rank);
        }
        FolderContent content;
        const bool with_data = search_.wants_disk_data();
        for (const FileInfo& entry : entries) {
            if (stop.stop_requested()) {
                throw StorageError(StorageErrorKind::cancelled, folder_.to_string(),
                                   "the search was cancelled");
            }
            if (entry.kind == FileKind::other) continue;
            if (entry.kind == FileKind::directory) content.subfolders.push_back(entry.name);
            // A disk is one file to clients: what lies behind its descriptor is not shown.
            const auto descriptor = descriptor_of_data(entry.name);
            if (descriptor && !with_data && names.contains(*descriptor)) continue;
            if (auto found = look_at(entry)) content.files.push_back(std::move(found));
        }
        return content;
    }

private:
    vim::Value look_at(const FileInfo& entry) {
        if (!search_.matches_name(entry.name)) return {};
        const FileType type = type_of(entry.name, entry.kind == FileKind::directory);
        const FileSearch::Query* query = search_.find(type);
        if (query == nullptr) return {};
        auto path = folder_.child(entry.name);
        if (!path) return {};  // no client could name it
        vim::FileInfo info(
            vim::make_object(search_.with_type ? info_type_of(type) : vim::TypeId::FileInfo));
        info.set_path(entry.name);
        if (search_.with_modification) info.set_modification(entry.modified);
        if (search_.with_owner) info.set_owner(entry.owner);
        std::uint64_t size_bytes = entry.size_bytes;
        if (type == FileType::disk && (query->reads_content() || search_.with_size)) {
            const auto facts = read_disk(store_, *path);
            if (!passes(*query, facts)) return {};
            if (facts) size_bytes = facts->disk.allocated_bytes;
            if (auto disk = info.as<vim::VmDiskFileInfo>(); disk && facts) {
                describe(disk, *query, *facts);
                info = disk;
            }
        } else if (auto config = info.as<vim::VmConfigFileInfo>();
                   config && query->reads_content()) {
            const auto version = read_config_version(store_, *path);
            if (!passes(query->config_versions, version.value_or(0))) return {};
            if (query->config_version && version) config.set_configVersion(*version);
            info = config;
        }
        if (search_.with_size) info.set_fileSize(static_cast<std::int64_t>(size_bytes));
        return info.raw();
    }

    storage::Datastore& store_;
    const DatastorePath& folder_;
    const FileSearch& search_;
};

}  // namespace

FolderContent search_folder(storage::Datastore& store, const DatastorePath& folder,
                            const FileSearch& search, std::stop_token stop) {
    return FolderSearch(store, folder, search).run(std::move(stop));
}

}  // namespace drover::host::files
