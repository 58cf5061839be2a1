#include "host/files/disk_work.hpp"

#include <functional>

#include "base/random.hpp"
#include "host/files/file_stream.hpp"
#include "host/files/file_tree.hpp"
#include "vmx/disk_descriptor.hpp"

namespace drover::host::files {

using storage::CopyControl;
using storage::DatastorePath;
using storage::Provisioning;
using storage::StorageError;
using storage::StorageErrorKind;

namespace {

constexpr std::size_t kHeadBytes = 512;

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

void edit_descriptor(storage::Datastore& store, const DatastorePath& disk,
                     const std::function<void(vmx::DiskDescriptor&)>& edit) {
    const std::string text = store.blobs().read(disk, vmx::DiskDescriptor::kMaxFileBytes);
    auto descriptor = vmx::DiskDescriptor::parse(text);
    if (!descriptor) {
        throw StorageError(StorageErrorKind::corrupt, disk.to_string(),
                           descriptor.error().message());
    }
    edit(*descriptor);
    store.blobs().write(disk, descriptor->to_string());
}

bool is_sparse(storage::Datastore& store, const DatastorePath& disk) {
    const auto reader = store.blobs().open_reader(disk);
    std::string head(kHeadBytes, '\0');
    head.resize(reader->read_at(0, head));
    return vmx::identify_disk_file(head) == vmx::DiskFileKind::sparse_binary;
}

void copy_within(const DiskTransfer& transfer, const DatastorePath& to,
                 const CopyControl& control) {
    auto& volumes = transfer.from_store.volumes();
    if (is_sparse(transfer.from_store, transfer.from)) {
        storage::DiskSpec spec;
        spec.provisioning = transfer.provisioning.value_or(Provisioning::thin);
        if (transfer.adapter_type) spec.adapter_type = *transfer.adapter_type;
        volumes.import_disk(transfer.from, to, spec, control);
        return;
    }
    const auto source = volumes.describe_disk(transfer.from);
    volumes.copy_disk(transfer.from, to, transfer.provisioning.value_or(source.provisioning),
                      control);
}

// The disk is made thin and empty, then its data file is replaced by the copy. Thick disks get
// every block written, zeroes too, so that their space is really there.
void copy_between(const DiskTransfer& transfer, const DatastorePath& to,
                  const CopyControl& control) {
    const auto source = transfer.from_store.volumes().describe_disk(transfer.from);
    const storage::DiskLayer& layer = source.chain.front();
    if (source.chain.size() > 1 || layer.format != vmx::DiskFormat::raw) {
        throw StorageError(StorageErrorKind::unsupported, transfer.from.to_string(),
                           "a disk with a parent can't go to another datastore");
    }
    storage::DiskSpec spec;
    spec.capacity_bytes = source.capacity_bytes;
    spec.adapter_type = source.adapter_type;
    auto& target = transfer.to_store;
    const auto made = target.volumes().create_disk(to, spec);
    try {
        const auto provisioning = transfer.provisioning.value_or(source.provisioning);
        stream_file(transfer.from_store, layer.data, target, made.chain.front().data,
                    storage::IfExists::replace, provisioning == Provisioning::thin, control);
        if (provisioning == Provisioning::thin) return;
        edit_descriptor(target, to, [&](vmx::DiskDescriptor& descriptor) {
            descriptor.set("drover.provisioning", to_word(provisioning));
            descriptor.remove("ddb.thinProvisioned");
        });
    } catch (...) {
        target.volumes().delete_disk(to);
        throw;
    }
}

DatastorePath passing_name(const DatastorePath& disk) {
    std::string name = disk.file_name();
    name.resize(name.size() - std::min(name.size(), std::string_view(".vmdk").size()));
    auto path = disk.parent().child(name + "-copy-" + base::SystemRandom().hex(6) + ".vmdk");
    if (!path) throw StorageError(StorageErrorKind::invalid_path, disk.to_string(), path.error());
    return *std::move(path);
}

void make_copy(const DiskTransfer& transfer, const DatastorePath& to, const CopyControl& control) {
    if (&transfer.from_store == &transfer.to_store) {
        copy_within(transfer, to, control);
    } else {
        copy_between(transfer, to, control);
    }
    if (!transfer.adapter_type) return;
    edit_descriptor(transfer.to_store, to, [&](vmx::DiskDescriptor& descriptor) {
        descriptor.set_adapter(*transfer.adapter_type);
    });
}

bool is_taken(const DiskTransfer& transfer) {
    const bool is_same = transfer.from == transfer.to;
    if (!is_same && !exists(transfer.to_store, transfer.to)) return false;
    if (!is_same && transfer.replace) return true;
    throw StorageError(StorageErrorKind::already_exists, transfer.to.to_string(),
                       "is there already");
}

}  // namespace

void copy_disk(const DiskTransfer& transfer, const CopyControl& control) {
    if (!is_taken(transfer)) {
        make_copy(transfer, transfer.to, control);
        return;
    }
    const DatastorePath passing = passing_name(transfer.to);
    make_copy(transfer, passing, control);
    transfer.to_store.volumes().delete_disk(transfer.to);
    transfer.to_store.volumes().rename_disk(passing, transfer.to);
}

void move_disk(const DiskTransfer& transfer, const CopyControl& control) {
    if (&transfer.from_store != &transfer.to_store) {
        copy_disk(transfer, control);
        transfer.from_store.volumes().delete_disk(transfer.from);
        return;
    }
    auto& volumes = transfer.from_store.volumes();
    if (!is_taken(transfer)) {
        volumes.rename_disk(transfer.from, transfer.to);
        return;
    }
    // What stands in the way is moved aside first and removed last.
    const DatastorePath passing = passing_name(transfer.to);
    volumes.rename_disk(transfer.to, passing);
    try {
        volumes.rename_disk(transfer.from, transfer.to);
    } catch (...) {
        volumes.rename_disk(passing, transfer.to);
        throw;
    }
    volumes.delete_disk(passing);
}

void set_disk_uuid(storage::Datastore& store, const DatastorePath& disk, const std::string& uuid) {
    edit_descriptor(store, disk,
                    [&](vmx::DiskDescriptor& descriptor) { descriptor.set("ddb.uuid", uuid); });
}

}  // namespace drover::host::files
