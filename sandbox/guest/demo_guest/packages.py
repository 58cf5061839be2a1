"""Fetches Debian packages without installing them, and unpacks the parts we want."""

import os
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

# Everything in the guest and every tool that builds it, but for xorriso and mke2fs, which run on
# the machine itself. The kernel's package name follows from this metapackage.
KERNEL_METAPACKAGE = "linux-image-amd64"
PACKAGES = (
    "busybox-static",
    "qemu-guest-agent",
    "libc6",
    "libglib2.0-0",
    "libpcre2-8-0",
    "libnuma1",
    "libudev1",
    "liburing2",
    "syslinux",
    "syslinux-common",
    "isolinux",
    "mtools",
    "systemd-boot-efi",
)


class PackageError(RuntimeError):
    """apt could not find, fetch or unpack a package."""


def resolve():
    """Returns {package: version} of what a build would take, the real kernel package included."""
    try:
        kernel = _kernel_package()
    except PackageError:
        _run(["apt-get", "-qq", "update"])  # fresh machines and containers have no lists at all
        kernel = _kernel_package()
    names = [kernel, *PACKAGES]
    versions = {}
    for name, paragraphs in _show(names).items():
        versions[name] = paragraphs[0]["Version"]
    missing = [name for name in names if name not in versions]
    if missing:
        raise PackageError("apt knows no package " + ", ".join(missing))
    return versions


def download(versions, directory):
    """Fetches the packages into `directory`; returns {package: path of its .deb}."""
    os.makedirs(directory, exist_ok=True)
    _run(["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download",
          *(f"{name}={version}" for name, version in versions.items())], cwd=directory)
    files = {}
    for entry in os.listdir(directory):
        if entry.endswith(".deb"):
            files[entry.split("_", 1)[0]] = os.path.join(directory, entry)
    missing = [name for name in versions if name not in files]
    if missing:
        raise PackageError("apt fetched no file for " + ", ".join(missing))
    return files


def unpack(files, directory, kernel, kernel_members):
    """Unpacks all packages into `directory`; of the kernel's only the members that match."""
    os.makedirs(directory, exist_ok=True)

    def one(item):
        name, path = item
        if name != kernel:
            _run(["dpkg-deb", "-x", path, directory])
            return
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", path], stdout=subprocess.PIPE) as deb:
            _run(["tar", "-x", "-C", directory, "--wildcards", *kernel_members], stdin=deb.stdout)
            deb.stdout.close()
        if deb.returncode != 0:
            raise PackageError(f"dpkg-deb cannot read {path}")

    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(one, files.items()))


def kernel_of(versions):
    """Returns the kernel package's name among the resolved ones."""
    return next(name for name in versions if name.startswith("linux-image-"))


def _kernel_package():
    paragraphs = _show([KERNEL_METAPACKAGE]).get(KERNEL_METAPACKAGE)
    if not paragraphs:
        raise PackageError(f"apt knows no package {KERNEL_METAPACKAGE}")
    match = re.match(r"linux-image-[0-9][a-z0-9.+-]*", paragraphs[0].get("Depends", ""))
    if not match:
        raise PackageError(f"{KERNEL_METAPACKAGE} names no kernel package")
    return match.group(0)


def _show(names):
    result = subprocess.run(["apt-cache", "show", "--no-all-versions", *names],
                            capture_output=True, text=True, check=False,
                            env={**os.environ, "LC_ALL": "C"})
    found = {}
    for text in result.stdout.split("\n\n"):
        fields = dict(re.findall(r"^([A-Za-z-]+): (.*)$", text, re.MULTILINE))
        if "Package" in fields and "Version" in fields:
            found.setdefault(fields["Package"], []).append(fields)
    return found


def _run(command, **keywords):
    result = subprocess.run(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
                            check=False, **keywords)
    if result.returncode != 0:
        raise PackageError(f"{' '.join(command[:4])} ...: {result.stderr.strip()[-600:]}")
