#include "storage/directory/directory_datastore.hpp"

#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/vfs.h>

#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "storage/directory/access_probe.hpp"
#include "storage/directory/directory_blobs.hpp"
#include "storage/directory/directory_heartbeats.hpp"
#include "storage/directory/directory_swap.hpp"
#include "storage/directory/directory_volumes.hpp"
#include "storage/directory/root.hpp"

namespace drover::storage {
namespace directory {
namespace {

constexpr std::chrono::milliseconds kProbeLimit{5000};

std::uint64_t max_file_size_bytes(const struct statfs& status) {
    switch (status.f_type) {
        case EXT4_SUPER_MAGIC:  // 2^32 blocks
            return (std::uint64_t{1} << 32) * static_cast<std::uint64_t>(status.f_bsize) -
                   static_cast<std::uint64_t>(status.f_bsize);
        case MSDOS_SUPER_MAGIC:
            return UINT32_MAX;
        default:
            return INT64_MAX;
    }
}

DatastoreInfo ask(Root& root) {
    DatastoreInfo info;
    info.name = root.name();
    info.kind = "directory";
    try {
        const auto top = root.open_top();
        const auto identity = root.verify();
        info.supports_compare_and_swap = identity.supports_compare_and_swap;
        struct statfs status{};
        if (::fstatfs(top.get(), &status) != 0) {
            throw StorageError::from_errno(errno, fmt::format("[{}]", root.name()), "statfs");
        }
        const auto block = static_cast<std::uint64_t>(status.f_frsize);
        info.capacity_bytes = static_cast<std::uint64_t>(status.f_blocks) * block;
        info.free_bytes = static_cast<std::uint64_t>(status.f_bavail) * block;
        info.max_file_size_bytes = max_file_size_bytes(status);
        info.accessible = true;
    } catch (const std::exception& error) {
        info.inaccessible_reason = error.what();
    }
    return info;
}

class DirectoryDatastore final : public Datastore {
public:
    DirectoryDatastore(std::string name, std::filesystem::path path, std::string expected_uuid)
        : root_(std::make_shared<Root>(std::move(name), std::move(path), std::move(expected_uuid))),
          blobs_(*root_),
          volumes_(*root_),
          swap_(*root_),
          heartbeats_(*root_),
          probe_([root = root_] { return ask(*root); }, kProbeLimit) {}

    const std::string& name() const override { return root_->name(); }

    DatastoreInfo info() override {
        auto info = probe_.get();
        if (!info) {
            info.emplace();
            info->name = root_->name();
            info->kind = "directory";
            info->inaccessible_reason =
                fmt::format("[{}]: the storage does not answer", root_->name());
            return *info;  // without the uuid: who knows it may be stuck holding its lock
        }
        info->uuid = root_->known_uuid();
        if (!info->uuid.empty()) info->url = fmt::format("ds:///vmfs/volumes/{}/", info->uuid);
        return *info;
    }

    std::filesystem::path host_path(const DatastorePath& path) const override {
        if (path.datastore() != root_->name()) {
            throw StorageError(StorageErrorKind::invalid_path, path.to_string(),
                               fmt::format("the path is not on datastore [{}]", root_->name()));
        }
        return root_->path() / path.relative();
    }

    BlobStore& blobs() override { return blobs_; }
    VolumeStore& volumes() override { return volumes_; }
    CompareAndSwap& compare_and_swap() override { return swap_; }
    HeartbeatSlots& heartbeat_slots() override { return heartbeats_; }

private:
    std::shared_ptr<Root> root_;
    DirectoryBlobs blobs_;
    DirectoryVolumes volumes_;
    DirectorySwap swap_;
    DirectoryHeartbeats heartbeats_;
    AccessProbe probe_;
};

}  // namespace
}  // namespace directory

std::unique_ptr<Datastore> open_directory_datastore(const std::string& name,
                                                    const std::filesystem::path& path,
                                                    const std::string& expected_uuid) {
    if (auto valid = DatastorePath::make(name, ""); !valid) {
        throw std::invalid_argument(fmt::format("datastore name '{}': {}", name, valid.error()));
    }
    if (!path.is_absolute()) {
        throw std::invalid_argument(fmt::format("{}: the path is not absolute", path.string()));
    }
    return std::make_unique<directory::DirectoryDatastore>(name, path.lexically_normal(),
                                                           expected_uuid);
}

}  // namespace drover::storage
