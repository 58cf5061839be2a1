"""Finds the programs that a sandbox runs, and says at once which are missing."""

import os
import shutil

from .errors import SandboxError

_NEEDED = {
    "ip": "iproute2",
    "libvirtd": "libvirt-daemon",
    "virsh": "libvirt-clients",
    "qemu-system-x86_64": "qemu-system-x86",
    "dnsmasq": "dnsmasq-base",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "adduser": "adduser",
}
_SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def check():
    """Raises SandboxError that names the packages to install."""
    missing = sorted({package for program, package in _NEEDED.items()
                      if not shutil.which(program, path=_SEARCH_PATH)})
    if missing:
        raise SandboxError("not installed: " + ", ".join(missing)
                           + f" (apt install {' '.join(missing)})")
    if not os.path.exists("/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/"
                          "libvirt_driver_qemu.so"):
        raise SandboxError("not installed: libvirt-daemon-driver-qemu")


def find(name):
    """Returns the path of one of drover's own daemons; raises SandboxError."""
    places = [os.environ.get("DROVER_BIN_DIR", "")]
    cli = shutil.which("drover")
    places.append(os.path.dirname(os.path.realpath(cli)) if cli else "")
    source = os.path.dirname(os.path.dirname(os.path.dirname(os.path.realpath(__file__))))
    places += [os.path.join(source, "build", "bin"), "/usr/sbin", "/usr/libexec/drover"]
    places = [place for place in places if place]
    for place in places:
        path = os.path.join(place, name)
        if os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    raise SandboxError(f"{name} is not in {', '.join(places)}: build it first (make build), say "
                       "where it is in DROVER_BIN_DIR, or bring up libvirt alone (--no-hostd)")


def install(plan):
    """Copies the daemons into the sandbox, where the user drover can run them.

    What was built may lie below a directory that is closed to others; and a build may go on while
    the sandbox runs.
    """
    os.makedirs(plan.program_directory, mode=0o755, exist_ok=True)
    for name in ("drover-rootd", "drover-hostd"):
        target = plan.program(name)
        shutil.copyfile(find(name), target + ".new")
        os.chmod(target + ".new", 0o755)
        os.replace(target + ".new", target)
