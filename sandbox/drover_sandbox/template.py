"""Puts the demo guest on the datastore: machine `demo` and `iso/demo.iso`, in VMware's formats."""

import os
import shutil
import subprocess

from demo_guest import build

from . import plan as plans
from .errors import SandboxError

_SECTOR_BYTES = 512
_DISK = "demo-flat.raw"


def install(plan, images):
    """Copies the images that `images` (a directory of the cache) holds; safe to repeat."""
    machine = os.path.join(plan.datastore_directory, plans.GUEST_TEMPLATE)
    iso = os.path.join(plan.datastore_directory, "iso")
    for directory in (machine, iso):
        os.makedirs(directory, exist_ok=True)
        shutil.chown(directory, plans.USER, plans.USER)
        os.chmod(directory, 0o2770)
    _copy_sparse(os.path.join(images, build.DISK_NAME), os.path.join(machine, _DISK))
    _copy_sparse(os.path.join(images, build.ISO_NAME), os.path.join(iso, build.ISO_NAME))
    sectors = os.path.getsize(os.path.join(machine, _DISK)) // _SECTOR_BYTES
    _write(os.path.join(machine, "demo.vmdk"), descriptor(sectors))
    _write(os.path.join(machine, "demo.vmx"), machine_file())
    for directory, _, files in os.walk(plan.datastore_directory):
        for file in files:
            path = os.path.join(directory, file)
            shutil.chown(path, plans.USER, plans.USER)
            os.chmod(path, 0o660)


def descriptor(sectors):
    """Returns the text of the disk's .vmdk."""
    cylinders = max(1, sectors // (64 * 32))  # the shape of disks below 1 GiB
    return f"""# Disk DescriptorFile
version=1
encoding="UTF-8"
CID=64726f76
parentCID=ffffffff
createType="vmfs"

# Extent description
RW {sectors} VMFS "{_DISK}"

# The Disk Data Base
#DDB

ddb.adapterType = "lsilogic"
ddb.geometry.cylinders = "{cylinders}"
ddb.geometry.heads = "64"
ddb.geometry.sectors = "32"
ddb.thinProvisioned = "1"
ddb.uuid = "60 00 c2 9d 72 6f 76 65-72 20 64 65 6d 6f 20 31"
ddb.virtualHWVersion = "18"
drover.format = "raw"
drover.provisioning = "thin"
"""


def machine_file():
    """Returns the text of the machine's .vmx."""
    return f""".encoding = "UTF-8"
config.version = "8"
virtualHW.version = "18"
displayName = "{plans.GUEST_TEMPLATE}"
guestOS = "debian11-64"
memsize = "256"
numvcpus = "1"
firmware = "bios"
pciBridge0.present = "TRUE"
scsi0.present = "TRUE"
scsi0.virtualDev = "pvscsi"
scsi0:0.present = "TRUE"
scsi0:0.deviceType = "scsi-hardDisk"
scsi0:0.fileName = "demo.vmdk"
ethernet0.present = "TRUE"
ethernet0.virtualDev = "vmxnet3"
ethernet0.networkName = "{plans.NETWORK}"
ethernet0.addressType = "generated"
"""


def _copy_sparse(source, target):
    result = subprocess.run(["cp", "--sparse=always", "--reflink=auto", source, target],
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise SandboxError(f"cannot copy the demo guest: {result.stderr.strip()}")


def _write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
