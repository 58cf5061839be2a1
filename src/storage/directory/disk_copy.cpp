// Copying disks, and making disks of sparse VMDKs.

#include <fcntl.h>
#include <fmt/format.h>

#include "storage/directory/directory_volumes.hpp"
#include "storage/directory/image_tool.hpp"
#include "storage/directory/raw_copy.hpp"
#include "storage/directory/temporary_file.hpp"
#include "vmx/sparse_header.hpp"

namespace drover::storage::directory {

DiskDescription DirectoryVolumes::copy_disk(const DatastorePath& from, const DatastorePath& to,
                                            Provisioning provisioning, const CopyControl& control) {
    const DiskDescription source = describe_disk(from);
    const DiskLayer& top = source.chain.front();
    const DiskSpec spec{source.capacity_bytes, provisioning, source.adapter_type, std::nullopt};
    // Progress speaks of the copying; preparing the space only listens for a stop.
    const CopyControl quiet{{}, control.stop};
    make_disk(to, new_descriptor(to, spec), [&](int data, const std::filesystem::path& host) {
        provision(data, 0, spec.capacity_bytes, provisioning, quiet, to.to_string());
        if (top.format == vmx::DiskFormat::raw) {
            const auto file = root_.open_file(top.data, O_RDONLY, nullptr);
            copy_data(file.get(), data, spec.capacity_bytes, control, to.to_string());
        } else {
            convert_to_raw(top.host_path, std::string(vmx::to_string(top.format)), host,
                           spec.capacity_bytes, control, to.to_string());
        }
    });
    return describe_disk(to);
}

DiskDescription DirectoryVolumes::import_disk(const DatastorePath& from, const DatastorePath& to,
                                              const DiskSpec& spec, const CopyControl& control) {
    const auto refuse = [&](StorageErrorKind kind, std::string_view why) {
        throw StorageError(kind, from.to_string(), why);
    };
    const auto file = root_.open_file(from, O_RDONLY, nullptr);
    std::string head(vmx::SparseHeader::kBytes, '\0');
    head.resize(read_at(file.get(), 0, head, from.to_string()));
    const auto header = vmx::SparseHeader::parse(head);
    if (!header) {
        refuse(StorageErrorKind::unsupported, header.error());
        return {};
    }
    if (header->descriptor_offset_bytes != 0) {
        std::string text(header->descriptor_size_bytes, '\0');
        text.resize(read_at(file.get(), header->descriptor_offset_bytes, text, from.to_string()));
        if (auto alone = vmx::check_embedded_descriptor(text); !alone) {
            refuse(StorageErrorKind::unsupported, alone.error());
        }
    }
    DiskSpec own = spec;
    own.capacity_bytes = header->capacity_sectors * 512;
    own.parent.reset();
    const CopyControl quiet{{}, control.stop};
    make_disk(to, new_descriptor(to, own), [&](int data, const std::filesystem::path& host) {
        provision(data, 0, own.capacity_bytes, own.provisioning, quiet, to.to_string());
        convert_to_raw(host_path(from), "vmdk", host, own.capacity_bytes, control, to.to_string());
    });
    return describe_disk(to);
}

}  // namespace drover::storage::directory
