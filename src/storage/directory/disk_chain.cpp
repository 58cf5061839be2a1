// Reading disks: which files they are made of, by their descriptors alone.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include "storage/directory/directory_volumes.hpp"
#include "storage/directory/temporary_file.hpp"
#include "storage/qcow2_header.hpp"

namespace drover::storage::directory {
namespace {

constexpr std::string_view kVolumes = "/vmfs/volumes/";

[[noreturn]] void refuse(StorageErrorKind kind, const DatastorePath& path, std::string_view why) {
    throw StorageError(kind, path.to_string(), why);
}

}  // namespace

Provisioning provisioning_of(const vmx::DiskDescriptor& descriptor) {
    const auto stated = descriptor.find("drover.provisioning");
    if (stated == "thick_eager") return Provisioning::thick_eager;
    if (stated == "thin" || descriptor.has_parent() || descriptor.thin_provisioned()) {
        return Provisioning::thin;
    }
    return Provisioning::thick_lazy;
}

vmx::DiskDescriptor DirectoryVolumes::read_descriptor(const DatastorePath& path) {
    struct stat status{};
    const auto file = root_.open_file(path, O_RDONLY, &status);
    std::string head(512, '\0');
    head.resize(read_at(file.get(), 0, head, path.to_string()));
    switch (vmx::identify_disk_file(head)) {
        case vmx::DiskFileKind::descriptor:
            break;
        case vmx::DiskFileKind::sparse_binary:
            refuse(StorageErrorKind::unsupported, path,
                   "is a sparse VMDK, which must be imported before it can be used");
        case vmx::DiskFileKind::cow_binary:
            refuse(StorageErrorKind::unsupported, path, "is an old delta disk of VMware");
        case vmx::DiskFileKind::unknown:
            refuse(StorageErrorKind::corrupt, path, "is no disk descriptor");
    }
    const std::string text =
        read_all(file.get(), vmx::DiskDescriptor::kMaxFileBytes, path.to_string());
    auto descriptor = vmx::DiskDescriptor::parse(text);
    if (!descriptor) refuse(StorageErrorKind::corrupt, path, descriptor.error().message());
    if (descriptor->capacity_sectors() == 0) {
        refuse(StorageErrorKind::corrupt, path, "the disk has no extent or no capacity");
    }
    return std::move(*descriptor);
}

DatastorePath DirectoryVolumes::data_path(const DatastorePath& path,
                                          const vmx::DiskDescriptor& descriptor) const {
    const std::string& name = descriptor.extents.front().file_name;
    auto data = path.parent().child(name);
    if (!data || name.contains('/') || name.starts_with(kReservedPrefix) || *data == path) {
        refuse(StorageErrorKind::unsupported, path,
               fmt::format("the extent '{}' is no file in the disk's own directory", name));
    }
    return *data;
}

DatastorePath DirectoryVolumes::parent_path(const DatastorePath& path,
                                            const vmx::DiskDescriptor& descriptor) const {
    std::string_view hint = descriptor.parent_file_name_hint;
    auto parent = path.parent().resolve(hint);
    if (hint.starts_with(kVolumes)) {
        // VMware's absolute form, with the datastore's uuid or name.
        hint.remove_prefix(kVolumes.size());
        const auto slash = hint.find('/');
        const auto volume = hint.substr(0, slash);
        if (slash != hint.npos && (volume == root_.known_uuid() || volume == root_.name())) {
            parent = DatastorePath::make(root_.name(), hint.substr(slash + 1));
        }
    }
    if (!parent) {
        refuse(StorageErrorKind::unsupported, path,
               fmt::format("parentFileNameHint '{}': {}", hint, parent.error()));
    }
    return *parent;
}

DiskLayer DirectoryVolumes::check_layer(const DatastorePath& path,
                                        const vmx::DiskDescriptor& descriptor) {
    const auto format = descriptor.format();
    if (!format) refuse(StorageErrorKind::unsupported, path, format.error());
    DiskLayer layer{path, data_path(path, descriptor), {}, *format, 0};
    layer.host_path = host_path(layer.data);
    struct stat status{};
    root_.open_file(layer.data, O_RDONLY, &status);
    layer.allocated_bytes = static_cast<std::uint64_t>(status.st_blocks) * 512;
    const std::uint64_t capacity_bytes = descriptor.capacity_sectors() * 512;
    if (*format == vmx::DiskFormat::raw) {
        if (static_cast<std::uint64_t>(status.st_size) < capacity_bytes) {
            refuse(StorageErrorKind::corrupt, layer.data,
                   fmt::format("the file has {} bytes where the descriptor says {}", status.st_size,
                               capacity_bytes));
        }
        if (descriptor.has_parent()) {
            refuse(StorageErrorKind::unsupported, path, "a raw disk can't have a parent");
        }
    }
    return layer;
}

void DirectoryVolumes::check_image(const DiskLayer& layer, const vmx::DiskDescriptor& descriptor,
                                   const DiskLayer* parent) {
    const auto file = root_.open_file(layer.data, O_RDONLY, nullptr);
    std::string head(Qcow2Header::kHeadBytes, '\0');
    head.resize(read_at(file.get(), 0, head, layer.data.to_string()));
    const auto header = Qcow2Header::parse(head);
    if (!header) refuse(StorageErrorKind::corrupt, layer.data, header.error());
    if (header->has_data_file || header->is_encrypted) {
        refuse(StorageErrorKind::unsupported, layer.data,
               "the image has an external data file or is encrypted");
    }
    if (header->capacity_bytes != descriptor.capacity_sectors() * 512) {
        refuse(StorageErrorKind::corrupt, layer.data,
               "the image's capacity is not the one in the descriptor");
    }
    std::string backing;
    std::string format;
    if (parent != nullptr) {
        backing = "./" + layer.data.parent().reference_to(parent->data);
        format = vmx::to_string(parent->format);
    }
    if (header->backing_file != backing || header->backing_format != format) {
        refuse(StorageErrorKind::unsupported, layer.data,
               fmt::format("the image names the backing file '{}' ({}), its descriptor '{}' ({})",
                           header->backing_file, header->backing_format, backing, format));
    }
}

DiskDescription DirectoryVolumes::describe_disk(const DatastorePath& path) {
    vmx::DiskDescriptor descriptor = read_descriptor(path);
    DiskDescription disk;
    disk.capacity_bytes = descriptor.capacity_sectors() * 512;
    disk.provisioning = provisioning_of(descriptor);
    disk.adapter_type = descriptor.adapter_type();
    disk.uuid = descriptor.find("ddb.uuid").value_or("");
    disk.content_id = descriptor.content_id;

    DatastorePath at = path;
    disk.chain.push_back(check_layer(at, descriptor));
    while (descriptor.has_parent()) {
        if (disk.chain.size() == kMaxChain) {
            refuse(StorageErrorKind::unsupported, path, "the disk has more than 64 layers");
        }
        const DatastorePath parent_at = parent_path(at, descriptor);
        vmx::DiskDescriptor parent = read_descriptor(parent_at);
        if (parent.content_id != descriptor.parent_content_id) {
            refuse(StorageErrorKind::corrupt, at,
                   "the parent disk has been changed since this disk was made");
        }
        const DiskLayer child = disk.chain.back();
        disk.chain.push_back(check_layer(parent_at, parent));
        check_image(child, descriptor, &disk.chain.back());
        descriptor = std::move(parent);
        at = parent_at;
    }
    if (disk.chain.back().format == vmx::DiskFormat::qcow2) {
        check_image(disk.chain.back(), descriptor, nullptr);
    }
    disk.allocated_bytes = disk.chain.front().allocated_bytes;
    return disk;
}

}  // namespace drover::storage::directory
