"""Chooses kernel modules: what virtual hardware needs, what those depend on, and nothing else."""

import os

from . import elf

# One line per reason. A driver that the kernel has built in is no module and must not be here.
WANTED = (
    "ata_piix", "ata_generic", "ahci",              # IDE and SATA disks and CD-ROMs
    "mptsas", "mptspi", "sym53c8xx", "vmw_pvscsi",  # the SCSI controllers of vSphere
    "virtio_blk", "virtio_scsi", "nvme",
    "sd_mod", "sr_mod",
    "e1000", "e1000e", "vmxnet3", "pcnet32", "virtio_net",
    "virtio_pci", "virtio_console", "virtio_balloon", "virtio_rng",
    "button", "evdev",                              # the ACPI power button
    "ext4", "crc32c_generic", "isofs", "vfat", "nls_cp437", "nls_ascii",
    "uhci_hcd", "ehci_pci", "xhci_pci", "usb_storage",
)


def choose(tree):
    """Returns [(name, path, info)] of the wanted modules under `tree`, dependencies included.

    Raises KeyError with the module's name when the kernel package lacks one.
    """
    paths = {}
    for directory, _, files in os.walk(tree):
        for file in files:
            if file.endswith(".ko"):
                paths[_canonical(file[:-3])] = os.path.join(directory, file)
    chosen, queue = {}, list(WANTED)
    while queue:
        name = _canonical(queue.pop())
        if name in chosen:
            continue
        with open(paths[name], "rb") as file:
            info = elf.module_info(file.read())
        chosen[name] = (name, paths[name], info)
        queue += [item for item in ",".join(info.get("depends", [])).split(",") if item]
    return sorted(chosen.values())


def index_files(chosen):
    """Returns (modules.dep, modules.alias) as modprobe reads them, for files in one directory."""
    depends = {name: [_canonical(item) for item in ",".join(info.get("depends", [])).split(",")
                      if item]
               for name, _, info in chosen}
    files = {name: os.path.basename(path) for name, path, _ in chosen}

    def load_order(name, done):
        for item in depends[name]:
            if item not in done:
                load_order(item, done)
        done.append(name)
        return done

    # modprobe loads the names of a line from right to left, the module itself last.
    dep = "".join(f"{files[name]}:"
                  + "".join(f" {files[item]}" for item in reversed(load_order(name, [])[:-1]))
                  + "\n" for name in files)
    alias = "".join(f"alias {pattern} {name}\n"
                    for name, _, info in chosen for pattern in info.get("alias", []))
    return dep, alias


def _canonical(name):
    return name.replace("-", "_")
