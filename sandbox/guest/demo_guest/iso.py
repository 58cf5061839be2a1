"""Makes the bootable CD-ROM image with the same kernel, for BIOS and UEFI."""

import os
import shutil
import subprocess

from . import disk

_EFI_IMAGE_BYTES = 20 << 20


def build(path, tree, kernel, initramfs, work):
    """Writes the ISO image to `path`; `work` is a scratch directory."""
    root = os.path.join(work, "iso")
    os.makedirs(os.path.join(root, "isolinux"))
    for source, target in (
            (kernel, "vmlinuz"), (initramfs, "initrd.gz"),
            (os.path.join(tree, "usr/lib/ISOLINUX/isolinux.bin"), "isolinux/isolinux.bin"),
            (os.path.join(tree, "usr/lib/syslinux/modules/bios/ldlinux.c32"),
             "isolinux/ldlinux.c32")):
        shutil.copyfile(source, os.path.join(root, target))
    with open(os.path.join(root, "isolinux/isolinux.cfg"), "w", encoding="ascii") as file:
        file.write(disk.bios_loader_settings())
    efi_image = os.path.join(root, "efi.img")
    with open(efi_image, "wb") as file:
        file.truncate(_EFI_IMAGE_BYTES)
    disk.fill_boot_file_system(efi_image, 0, _EFI_IMAGE_BYTES // disk.SECTOR_BYTES, tree, kernel,
                               initramfs)
    result = subprocess.run(
        ["xorriso", "-as", "mkisofs", "-quiet", "-o", path, "-V", "DEMO", "-r", "-J",
         "-b", "isolinux/isolinux.bin", "-c", "isolinux/boot.cat", "-no-emul-boot",
         "-boot-load-size", "4", "-boot-info-table",
         "-eltorito-alt-boot", "-e", "efi.img", "-no-emul-boot", root],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        check=False)
    if result.returncode != 0:
        raise disk.ToolError(f"xorriso: {result.stdout.strip()[-600:]}")
