#pragma once

#include <functional>

#include "storage/directory/root.hpp"
#include "storage/volumes.hpp"

namespace drover::storage::directory {

/// Disks as files. Files: disk_chain.cpp reads, disk_create.cpp makes, grows and removes,
/// disk_copy.cpp copies and imports, disk_refit.cpp changes how they take their space.
class DirectoryVolumes final : public VolumeStore {
public:
    explicit DirectoryVolumes(Root& root) : root_(root) {}

    DiskDescription create_disk(const DatastorePath& path, const DiskSpec& spec,
                                const CopyControl& control) override;
    void delete_disk(const DatastorePath& path) override;
    DiskDescription describe_disk(const DatastorePath& path) override;
    DiskDescription grow_disk(const DatastorePath& path, std::uint64_t capacity_bytes,
                              const CopyControl& control, bool zeroes_written) override;
    DiskDescription refit_disk(const DatastorePath& path, Refit refit,
                               const CopyControl& control) override;
    DiskDescription copy_disk(const DatastorePath& from, const DatastorePath& to,
                              Provisioning provisioning, const CopyControl& control) override;
    DiskDescription import_disk(const DatastorePath& from, const DatastorePath& to,
                                const DiskSpec& spec, const CopyControl& control) override;
    void rename_disk(const DatastorePath& from, const DatastorePath& to) override;
    std::vector<DatastorePath> recover(const DatastorePath& directory) override;

private:
    /// Fills the new, empty data file.
    using Fill = std::function<void(int data, const std::filesystem::path& host_path)>;

    vmx::DiskDescriptor read_descriptor(const DatastorePath& path);
    DatastorePath data_path(const DatastorePath& path, const vmx::DiskDescriptor& descriptor) const;
    DatastorePath parent_path(const DatastorePath& path,
                              const vmx::DiskDescriptor& descriptor) const;
    DiskLayer check_layer(const DatastorePath& path, const vmx::DiskDescriptor& descriptor);
    void check_image(const DiskLayer& layer, const vmx::DiskDescriptor& descriptor,
                     const DiskLayer* parent);
    /// Makes data file and descriptor, or nothing.
    void make_disk(const DatastorePath& path, const vmx::DiskDescriptor& descriptor,
                   const Fill& fill);
    void publish(const Root::Place& place, const vmx::DiskDescriptor& descriptor);
    std::filesystem::path host_path(const DatastorePath& path) const {
        return root_.path() / path.relative();
    }

    Root& root_;
};

/// "x-flat.raw" for "x.vmdk". Throws invalid_path if the name does not end in ".vmdk".
std::string data_name(const DatastorePath& disk, vmx::DiskFormat format);

/// A descriptor for a new raw disk, with fresh ids.
vmx::DiskDescriptor new_descriptor(const DatastorePath& path, const DiskSpec& spec);

/// Gives a new raw file its size, and its space unless it is thin.
void provision(int data, std::uint64_t from_bytes, std::uint64_t to_bytes,
               Provisioning provisioning, const CopyControl& control, const std::string& path);

Provisioning provisioning_of(const vmx::DiskDescriptor& descriptor);

}  // namespace drover::storage::directory
