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


def daemons(with_center):
    """Returns the names of drover's own daemons that a sandbox runs."""
    return ["drover-rootd", "drover-hostd"] + (["drover-centerd"] if with_center else [])


def has_high_availability():
    """Whether drover-had was built; it runs on hosts where it is configured only."""
    try:
        return bool(find("drover-had"))
    except SandboxError:
        return False


def install(plan):
    """Copies the daemons into the sandbox, where the user drover can run them.

    What was built may lie below a directory that is closed to others; and a build may go on while
    the sandbox runs.
    """
    os.makedirs(plan.program_directory, mode=0o755, exist_ok=True)
    names = daemons(plan.center is not None)
    for name in names + (["drover-had"] if has_high_availability() else []):
        target = plan.program(name)
        shutil.copyfile(find(name), target + ".new")
        os.chmod(target + ".new", 0o755)
        os.replace(target + ".new", target)
    _install_web_client(plan)


def _install_web_client(plan):
    """Copies the web client to where the daemons look for it, if it was built."""
    share = os.path.join("share", "drover", "web")
    built = os.path.join(os.path.dirname(os.path.dirname(find("drover-hostd"))), share)
    target = os.path.join(os.path.dirname(plan.program_directory), share)
    shutil.rmtree(target, ignore_errors=True)
    if os.path.exists(os.path.join(built, "index.html")):
        shutil.copytree(built, target)
        for place, _, files in os.walk(os.path.dirname(os.path.dirname(target))):
            os.chmod(place, 0o755)
            for name in files:
                os.chmod(os.path.join(place, name), 0o644)
