// Making, growing, renaming and deleting disks.

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/random.hpp"
#include "storage/directory/directory_volumes.hpp"
#include "storage/directory/disk_marker.hpp"
#include "storage/directory/entries.hpp"
#include "storage/directory/image_tool.hpp"
#include "storage/directory/raw_copy.hpp"
#include "storage/directory/temporary_file.hpp"

namespace drover::storage::directory {
namespace {

constexpr std::string_view kExtension = ".vmdk";

// VMware's form, with VMware's prefix: "60 00 C2 9x xx xx xx xx-xx xx ..."
std::string new_disk_uuid() {
    const std::string hex = "6000c29" + base::SystemRandom().hex(16).substr(0, 25);
    std::string out;
    for (std::size_t i = 0; i < 16; ++i) {
        if (i != 0) out += i == 8 ? '-' : ' ';
        out += hex.substr(i * 2, 2);
    }
    return out;
}

std::string_view to_word(Provisioning provisioning) {
    switch (provisioning) {
        case Provisioning::thin:
            return "thin";
        case Provisioning::thick_lazy:
            return "thick_lazy";
        case Provisioning::thick_eager:
            return "thick_eager";
    }
    return "thin";
}

void set_content_id(vmx::DiskDescriptor& descriptor) {
    // 0xfffffffe and 0xffffffff have meanings of their own.
    descriptor.content_id = static_cast<std::uint32_t>(base::SystemRandom().below(0xfffffffe));
    descriptor.set("ddb.longContentID",
                   fmt::format("{}{:08x}", base::SystemRandom().hex(12), descriptor.content_id));
}

void check_capacity(const DatastorePath& path, std::uint64_t capacity_bytes) {
    constexpr std::uint64_t kMaxBytes = vmx::DiskDescriptor::kMaxCapacitySectors * 512;
    if (capacity_bytes == 0 || capacity_bytes % 512 != 0) {
        throw StorageError(StorageErrorKind::unsupported, path.to_string(),
                           "the capacity must be a multiple of 512 bytes, and not 0");
    }
    if (capacity_bytes > kMaxBytes) {
        throw StorageError::too_large(path.to_string(), capacity_bytes, kMaxBytes,
                                      "the capacity is larger than any disk can be");
    }
}

void refuse_existing(const Root::Place& place, const std::string& name) {
    struct stat status{};
    if (::fstatat(place.directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
        throw StorageError(StorageErrorKind::already_exists, place.path,
                           fmt::format("there is a file '{}' already", name));
    }
}

}  // namespace

std::string data_name(const DatastorePath& disk, vmx::DiskFormat format) {
    const std::string name = disk.file_name();
    if (name.size() <= kExtension.size() || !vmx::lower_case(name).ends_with(kExtension)) {
        throw StorageError(StorageErrorKind::invalid_path, disk.to_string(),
                           "a disk's name must end in '.vmdk'");
    }
    return fmt::format("{}-flat.{}", name.substr(0, name.size() - kExtension.size()),
                       vmx::to_string(format));
}

vmx::DiskDescriptor new_descriptor(const DatastorePath& path, const DiskSpec& spec) {
    check_capacity(path, spec.capacity_bytes);
    vmx::DiskDescriptor descriptor;
    descriptor.extents.push_back({vmx::ExtentAccess::read_write, spec.capacity_bytes / 512, "VMFS",
                                  data_name(path, vmx::DiskFormat::raw), std::nullopt});
    descriptor.set("drover.format", "raw");
    descriptor.set("drover.provisioning", to_word(spec.provisioning));
    try {
        descriptor.set_adapter(spec.adapter_type);
    } catch (const std::invalid_argument& error) {
        throw StorageError(StorageErrorKind::unsupported, path.to_string(), error.what());
    }
    set_content_id(descriptor);
    descriptor.set("ddb.uuid", new_disk_uuid());
    descriptor.set("ddb.virtualHWVersion", "7");
    if (spec.provisioning == Provisioning::thin) descriptor.set("ddb.thinProvisioned", "1");
    return descriptor;
}

void provision(int data, std::uint64_t from_bytes, std::uint64_t to_bytes,
               Provisioning provisioning, const CopyControl& control, const std::string& path) {
    set_size(data, to_bytes, path);
    if (provisioning == Provisioning::thin) return;
    allocate(data, from_bytes, to_bytes, control, path);
    // Allocated space reads as zeroes already, but its first write must still convert it: that is
    // the cost which eager provisioning pays in advance, so the zeroes are really written.
    if (provisioning == Provisioning::thick_eager) {
        write_zeroes(data, from_bytes, to_bytes, control, path);
    }
}

void DirectoryVolumes::publish(const Root::Place& place, const vmx::DiskDescriptor& descriptor) {
    TemporaryFile file(place.directory.get(), descriptor.to_string(), place.path);
    if (!root_.verify().supports_compare_and_swap) {
        // No links here; the marker's lock keeps others away.
        refuse_existing(place, place.name);
        file.replace(place.name);
    } else if (!file.link_as(place.name)) {
        throw StorageError::from_errno(EEXIST, place.path, "create");
    }
}

void DirectoryVolumes::make_disk(const DatastorePath& path, const vmx::DiskDescriptor& descriptor,
                                 const Fill& fill) {
    const auto place = root_.open_parent(path);
    const std::string& data = descriptor.extents.front().file_name;
    DiskMarker marker(place);
    refuse_existing(place, place.name);
    refuse_existing(place, data);
    marker.note({data});
    {
        const base::FileDescriptor file(::openat(place.directory.get(), data.c_str(),
                                                 O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                                 kFileMode));
        if (!file) throw StorageError::from_errno(errno, place.path, "create");
        if (::fchmod(file.get(), kFileMode) != 0) {
            throw StorageError::from_errno(errno, place.path, "set the mode");
        }
        fill(file.get(), host_path(data_path(path, descriptor)));
        sync_file(file.get(), place.path);
    }
    publish(place, descriptor);
    marker.settle();
}

DiskDescription DirectoryVolumes::create_disk(const DatastorePath& path, const DiskSpec& spec,
                                              const CopyControl& control) {
    if (!spec.parent) {
        make_disk(path, new_descriptor(path, spec), [&](int data, const auto&) {
            provision(data, 0, spec.capacity_bytes, spec.provisioning, control, path.to_string());
        });
        return describe_disk(path);
    }
    const DiskDescription parent = describe_disk(*spec.parent);
    if (parent.chain.size() == kMaxChain) {
        throw StorageError(StorageErrorKind::unsupported, path.to_string(),
                           "the parent has 64 layers already");
    }
    DiskSpec child = spec;
    child.capacity_bytes = parent.capacity_bytes;
    child.provisioning = Provisioning::thin;
    child.adapter_type = parent.adapter_type;
    vmx::DiskDescriptor descriptor = new_descriptor(path, child);
    descriptor.create_type = "vmfsSparse";
    descriptor.extents.front().type = "VMFSSPARSE";
    descriptor.extents.front().file_name = data_name(path, vmx::DiskFormat::qcow2);
    descriptor.set("drover.format", "qcow2");
    descriptor.parent_content_id = parent.content_id;
    descriptor.parent_file_name_hint = path.parent().reference_to(*spec.parent);
    // "./" so that a colon in a name is never taken for a protocol.
    const DiskLayer& top = parent.chain.front();
    const std::string backing = "./" + path.parent().reference_to(top.data);
    make_disk(path, descriptor, [&](int, const std::filesystem::path& image) {
        create_child_image(image, child.capacity_bytes, backing, top.format, path.to_string());
    });
    return describe_disk(path);
}

void DirectoryVolumes::delete_disk(const DatastorePath& path) {
    const auto place = root_.open_parent(path);
    (void)data_name(path, vmx::DiskFormat::raw);  // refuses what is not called a disk
    DiskMarker marker(place);
    const vmx::DiskDescriptor descriptor = read_descriptor(path);
    const auto format = descriptor.format();
    if (!format) {
        throw StorageError(StorageErrorKind::unsupported, place.path, format.error());
    }
    const DatastorePath data = data_path(path, descriptor);
    struct stat status{};
    if (::fstatat(place.directory.get(), data.file_name().c_str(), &status, AT_SYMLINK_NOFOLLOW) ==
            0 &&
        S_ISDIR(status.st_mode)) {
        throw StorageError(StorageErrorKind::is_a_directory, data.to_string(), "is a directory");
    }
    marker.note({data.file_name()});
    if (::unlinkat(place.directory.get(), place.name.c_str(), 0) != 0) {
        throw StorageError::from_errno(errno, place.path, "remove");
    }
    sync_entries(place.directory.get(), place.path);
    marker.settle();
}

DiskDescription DirectoryVolumes::grow_disk(const DatastorePath& path, std::uint64_t capacity_bytes,
                                            const CopyControl& control, bool zeroes_written) {
    const auto place = root_.open_parent(path);
    check_capacity(path, capacity_bytes);
    DiskMarker marker(place);
    const DiskDescription before = describe_disk(path);
    if (before.chain.size() > 1 || before.chain.front().format != vmx::DiskFormat::raw) {
        throw StorageError(StorageErrorKind::unsupported, place.path,
                           "a disk with a parent can't grow");
    }
    if (capacity_bytes < before.capacity_bytes) {
        throw StorageError(StorageErrorKind::unsupported, place.path, "a disk can't shrink");
    }
    const auto data = root_.open_file(before.chain.front().data, O_RDWR, nullptr);
    // Nothing that may stand behind the present end becomes content.
    set_size(data.get(), before.capacity_bytes, place.path);
    try {
        provision(data.get(), before.capacity_bytes, capacity_bytes,
                  zeroes_written ? Provisioning::thick_eager : before.provisioning, control,
                  place.path);
        sync_file(data.get(), place.path);
        vmx::DiskDescriptor descriptor = read_descriptor(path);
        descriptor.extents.front().size_sectors = capacity_bytes / 512;
        descriptor.set_adapter(before.adapter_type);
        TemporaryFile(place.directory.get(), descriptor.to_string(), place.path)
            .replace(place.name);
    } catch (...) {
        // Beyond the capacity that the descriptor states nothing counts; give the space back.
        if (describe_disk(path).capacity_bytes == before.capacity_bytes) {
            set_size(data.get(), before.capacity_bytes, place.path);
        }
        throw;
    }
    marker.settle();
    return describe_disk(path);
}

void DirectoryVolumes::rename_disk(const DatastorePath& from, const DatastorePath& to) {
    const auto source = root_.open_parent(from);
    const auto target = root_.open_parent(to);
    if (from == to) return;
    DiskMarker source_marker(source);
    const DiskDescription before = describe_disk(from);
    if (before.chain.size() > 1 && from.parent() != to.parent()) {
        throw StorageError(StorageErrorKind::unsupported, from.to_string(),
                           "a disk with a parent can't move to another directory");
    }
    vmx::DiskDescriptor descriptor = read_descriptor(from);
    const DiskLayer& layer = before.chain.front();
    const std::string data = data_name(to, layer.format);
    const std::string old_data = layer.data.file_name();
    descriptor.extents.front().file_name = data;
    descriptor.set("drover.format", vmx::to_string(layer.format));

    DiskMarker target_marker(target);
    refuse_existing(target, target.name);
    refuse_existing(target, data);
    // The data gets its second name, then the second descriptor, then the first pair goes: a crash
    // in between leaves the old disk, or both names of it, and never none.
    target_marker.note({data});
    if (::linkat(source.directory.get(), old_data.c_str(), target.directory.get(), data.c_str(),
                 0) != 0) {
        throw StorageError::from_errno(errno, target.path, "link");
    }
    publish(target, descriptor);
    target_marker.settle();
    source_marker.note({old_data});
    if (::unlinkat(source.directory.get(), source.name.c_str(), 0) != 0) {
        throw StorageError::from_errno(errno, source.path, "remove");
    }
    sync_entries(source.directory.get(), source.path);
    source_marker.settle();
}

std::vector<DatastorePath> DirectoryVolumes::recover(const DatastorePath& directory) {
    const auto opened = root_.open(directory, O_RDONLY | O_DIRECTORY);
    std::vector<DatastorePath> concerned;
    for (const auto& name :
         read_names(opened.get(), BlobStore::kMaxListed, directory.to_string())) {
        const auto disk = DiskMarker::recover(opened.get(), name, directory.to_string());
        if (disk.empty()) continue;
        if (auto path = directory.child(disk)) concerned.push_back(std::move(*path));
    }
    // An upload that is alive writes more often than this.
    remove_temporary_files(opened.get(), std::chrono::hours(1), directory.to_string());
    return concerned;
}

}  // namespace drover::storage::directory
