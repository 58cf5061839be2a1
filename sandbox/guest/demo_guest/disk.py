"""Makes the bootable disk: MBR, a FAT partition that BIOS and UEFI boot from, an ext4 partition.

No mounts and no loop devices: mtools and mke2fs write into plain files.
"""

import os
import struct
import subprocess

SECTOR_BYTES = 512
_ALIGN_SECTORS = 2048
_BOOT_BYTES = 40 << 20
_DISK_BYTES = 512 << 20
_DATA_LABEL = "demo-data"

COMMAND_LINE = ("console=tty0 console=ttyS0,115200 quiet mitigations=off random.trust_cpu=on "
                "no_timer_check tsc=reliable panic=10")


class ToolError(RuntimeError):
    """A tool of the build failed; the message holds what it said."""


def build(path, tree, kernel, initramfs):
    """Writes the disk image to `path` (sparse, 512 MiB). `tree`: the unpacked packages."""
    boot_start = _ALIGN_SECTORS
    boot_sectors = _BOOT_BYTES // SECTOR_BYTES
    data_start = boot_start + boot_sectors
    data_sectors = _DISK_BYTES // SECTOR_BYTES - data_start
    with open(path, "wb") as file:
        file.truncate(_DISK_BYTES)
        with open(os.path.join(tree, "usr/lib/syslinux/mbr/mbr.bin"), "rb") as mbr:
            file.write(mbr.read(440))
        file.seek(440)
        file.write(struct.pack("<IH", 0x64726F76, 0))
        # 0xEF is what UEFI looks for, the active flag what BIOS looks for.
        file.write(_partition(0x80, 0xEF, boot_start, boot_sectors))
        file.write(_partition(0x00, 0x83, data_start, data_sectors))
        file.seek(510)
        file.write(b"\x55\xAA")
    offset = boot_start * SECTOR_BYTES
    fill_boot_file_system(path, offset, boot_sectors, tree, kernel, initramfs)
    _tool([tool_path(tree, "syslinux"), "--install", "--offset", str(offset), path], tree)
    _tool(["/sbin/mke2fs", "-q", "-F", "-t", "ext4", "-L", _DATA_LABEL, "-m", "0",
           "-J", "size=4", "-E", f"offset={data_start * SECTOR_BYTES},lazy_itable_init=0",
           path, f"{data_sectors * SECTOR_BYTES // 1024}k"], tree)
    return os.path.getsize(path) // SECTOR_BYTES


def fill_boot_file_system(path, offset_bytes, sectors, tree, kernel, initramfs):
    """Makes a FAT file system in `path` with both boot loaders' settings, kernel and initramfs."""
    image = f"{path}@@{offset_bytes}"
    _tool([tool_path(tree, "mformat"), "-i", image, "-T", str(sectors), "-h", "64", "-s", "32",
           "-H", str(offset_bytes // SECTOR_BYTES), "-v", "DEMO", "-N", "64726f76", "::"], tree)
    _tool([tool_path(tree, "mmd"), "-i", image, "::/EFI", "::/EFI/BOOT", "::/loader",
           "::/loader/entries"], tree)
    loader = os.path.join(tree, "usr/lib/systemd/boot/efi/systemd-bootx64.efi")
    _copy(tree, image, loader, "::/EFI/BOOT/BOOTX64.EFI")
    _copy_text(tree, image, path, "::/loader/loader.conf", "default demo.conf\ntimeout 0\n")
    _copy_text(tree, image, path, "::/loader/entries/demo.conf",
               f"title demo\nlinux /vmlinuz\ninitrd /initrd.gz\noptions {COMMAND_LINE}\n")
    _copy_text(tree, image, path, "::/syslinux.cfg", bios_loader_settings())
    _copy(tree, image, kernel, "::/vmlinuz")
    _copy(tree, image, initramfs, "::/initrd.gz")


def bios_loader_settings():
    """Returns syslinux.cfg, which isolinux understands as well."""
    return ("DEFAULT demo\nPROMPT 0\nTIMEOUT 0\n"
            f"LABEL demo\n  LINUX /vmlinuz\n  INITRD /initrd.gz\n  APPEND {COMMAND_LINE}\n")


def tool_path(tree, name):
    """Returns the path of a program in the unpacked packages."""
    return os.path.join(tree, "usr/bin", name)


def _tool(command, tree):
    environment = {"PATH": os.path.join(tree, "usr/bin") + ":/usr/sbin:/usr/bin:/sbin:/bin",
                   "MTOOLS_SKIP_CHECK": "1", "MTOOLSRC": "/dev/null", "LC_ALL": "C",
                   "TMPDIR": os.path.dirname(tree)}
    result = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode != 0:
        raise ToolError(f"{os.path.basename(command[0])}: {result.stdout.strip()[-600:]}")


def _copy(tree, image, source, target):
    _tool([tool_path(tree, "mcopy"), "-o", "-i", image, source, target], tree)


def _copy_text(tree, image, path, target, text):
    source = path + ".text"
    try:
        with open(source, "w", encoding="ascii") as file:
            file.write(text)
        _copy(tree, image, source, target)
    finally:
        os.unlink(source)


def _partition(flag, kind, start, sectors):
    # Everybody reads the linear addresses; the cylinder/head/sector fields hold "too large".
    return struct.pack("<B3sB3sII", flag, b"\xFE\xFF\xFF", kind, b"\xFE\xFF\xFF", start, sectors)
