#pragma once

// The devices of a machine, as plain values. Everything that a guest can see of a device is stated
// by the caller: its model, its place on a bus, its serial number. An empty `PciAddress` leaves the
// place to libvirt and is for machines that need no stable hardware.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace drover::hypervisor {

struct PciAddress {
    std::uint8_t bus = 0;       ///< 0 is the root bus
    std::uint8_t slot = 0;      ///< 0 to 31
    std::uint8_t function = 0;  ///< 0 to 7

    friend bool operator==(const PciAddress&, const PciAddress&) = default;
};

/// Devices that other devices hang on.
enum class ControllerKind {
    ide,                 ///< PIIX3, built into i440fx machines at 00:01.1; index 0 only
    sata_ahci,           ///< ich9-ahci; 6 ports
    scsi_lsilogic,       ///< LSI 53c895a; units 0 to 6
    scsi_lsisas1068,     ///< LSI SAS 1068; units 0 to 7
    scsi_pvscsi,         ///< VMware paravirtual SCSI; units 0 to 63
    scsi_virtio,         ///< virtio-scsi; units 0 to 255
    usb_uhci,            ///< piix3-uhci
    usb_ehci,            ///< plain EHCI
    usb_xhci,            ///< qemu-xhci
    virtio_serial,       ///< carries the guest agent's channel
    pci_bridge,          ///< one more conventional PCI bus; `index` is its bus number
    pcie_root_port,      ///< q35: one slot for a PCIe device; `index` is its bus number
    pcie_to_pci_bridge,  ///< q35: a conventional PCI bus; `index` is its bus number
};

struct ControllerSpec {
    ControllerKind kind{};
    std::uint32_t index = 0;  ///< counted per family (ide, sata, scsi, usb, virtio-serial, pci)
    std::optional<PciAddress> address{};
};

enum class ImageFormat { raw, qcow2 };

/// One file that holds (a layer of) a disk. The format is stated, never probed: a guest that
/// writes a qcow2 header into its raw disk must not get at other files of the host.
struct DiskImage {
    std::string path{};  ///< absolute
    ImageFormat format = ImageFormat::raw;
};

enum class DiskDevice { disk, cdrom, floppy };
enum class DiskBus { ide, sata, scsi, usb, virtio, floppy };
enum class CacheMode { none, writeback, writethrough, directsync, unsafe };
enum class IoMode { threads, native, io_uring };
enum class DiscardMode { ignore, unmap };

/// What the machine does when the host can't read or write its disk. `stop` pauses the machine, so
/// that a full datastore costs time and not data; `report` hands the error to the guest.
enum class IoErrorPolicy { stop, report };

struct DiskSpec {
    DiskDevice device = DiskDevice::disk;
    DiskBus bus = DiskBus::scsi;
    std::uint32_t controller = 0;  ///< index of a controller of the same family; 0 for virtio
    std::uint32_t channel = 0;     ///< ide only: 0 primary, 1 secondary
    std::uint32_t unit = 0;  ///< place on the controller (ide: 0 or 1; usb: its port, from 1 up)
    std::optional<PciAddress> address{};  ///< virtio only: such a disk is a PCI device itself

    /// Required for a disk; none means an empty drive (cdrom, floppy).
    std::optional<DiskImage> image{};
    /// The images below `image`, nearest first. Layers that are not named are not opened.
    std::vector<DiskImage> backing_chain{};

    bool read_only = false;  ///< implied for cdrom
    bool shareable = false;  ///< several machines may write (raw images only)
    CacheMode cache = CacheMode::none;
    IoMode io = IoMode::threads;  ///< native needs cache none or directsync
    DiscardMode discard = DiscardMode::unmap;
    IoErrorPolicy on_io_error = IoErrorPolicy::stop;
    std::string serial{};  ///< up to 36 of [A-Za-z0-9_ .+-]; empty: none
    /// World wide name, 16 hexadecimal digits; empty: none. Linux finds a disk on the LSI SAS 1068
    /// by nothing else.
    std::string wwn{};
    std::optional<std::uint32_t> boot_index{};  ///< 1 boots first; unique among all devices
};

/// The name by which a disk is spoken of in `stats`, `change_media` and I/O errors ("hda", "sdc").
/// It follows from the disk's place alone, so it never changes while the disk stays where it is.
std::string disk_target(const DiskSpec& disk);

enum class NicModel { e1000, e1000e, vmxnet3, pcnet, virtio };

struct NicSpec {
    std::string mac{};  ///< "00:50:56:xx:xx:xx", unique in the machine
    NicModel model = NicModel::e1000;
    std::string bridge{};  ///< the host's bridge to join
    bool link_up = true;
    std::optional<PciAddress> address{};
    std::optional<std::uint32_t> boot_index{};
};

enum class SerialBackend { file, tcp_listen, tcp_connect, unix_listen, pty };

struct SerialPortSpec {
    std::uint32_t port = 0;  ///< 0 is COM1; up to 3
    SerialBackend backend = SerialBackend::file;
    std::string path{};  ///< file and unix_listen: absolute
    bool append = true;  ///< file: keep what is there
    /// tcp_listen and tcp_connect: numeric address. Connecting goes on trying while the domain
    /// runs.
    std::string host{};
    std::uint16_t tcp_port = 0;
};

enum class VideoModel { vga, vmvga };

struct VideoSpec {
    VideoModel model = VideoModel::vga;
    std::uint64_t memory_bytes = 16ULL << 20;  ///< a power of two, 4 MiB to 256 MiB
    std::optional<PciAddress> address{};
};

struct VncSpec {
    std::string listen_address = "127.0.0.1";  ///< numeric
    std::optional<std::uint16_t> port{};       ///< none: libvirt picks one from 5900 up
    std::string password{};                    ///< up to 8 bytes; empty: none. Never logged.
};

struct BalloonSpec {
    std::uint32_t stats_period_s = 10;  ///< how often the guest reports; 0: never
    std::optional<PciAddress> address{};
};

/// A virtio random number generator, fed from the host's /dev/urandom.
struct RngSpec {
    std::optional<PciAddress> address{};
};

}  // namespace drover::hypervisor
