"""Builds the demo guest once and keeps it in a cache, keyed by what it is made from."""

import argparse
import fcntl
import hashlib
import os
import shutil
import sys
import tempfile
import time

from . import disk, initramfs, iso, packages

DEFAULT_CACHE = "/var/cache/drover-sandbox"
DISK_NAME = "demo-flat.raw"
ISO_NAME = "demo.iso"

_GUEST_DIRECTORY = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
_KEPT_IMAGES = 2


class BuildError(RuntimeError):
    """The guest could not be built and none is cached."""


def ensure(cache=DEFAULT_CACHE, say=lambda text: None):
    """Returns the directory with demo-flat.raw and demo.iso, after building it if need be.

    Safe to call from several processes at once. Without a network an image that the same builder
    made earlier from older packages will do. Raises BuildError.
    """
    os.makedirs(cache, mode=0o755, exist_ok=True)
    builder = _builder_hash()
    with open(os.path.join(cache, "lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            versions = packages.resolve()
        except packages.PackageError as error:
            return _older(cache, builder, error, say)
        text = "\n".join(f"{name}={version}" for name, version in sorted(versions.items()))
        target = os.path.join(cache, f"{builder}-{_short_hash(text.encode())}")
        if not os.path.isdir(target):
            try:
                _build(cache, target, versions, text, say)
            except (packages.PackageError, disk.ToolError, OSError) as error:
                return _older(cache, builder, error, say)
            except KeyError as error:
                return _older(cache, builder, f"the kernel package lacks module {error}", say)
        os.utime(target)
        _prune(cache, target)
        return target


def _build(cache, target, versions, text, say):
    started = time.monotonic()
    say("building the demo guest (once; a minute at most)")
    for leftover in os.listdir(cache):
        if leftover.startswith("build-"):  # we hold the lock: nobody is working in it
            shutil.rmtree(os.path.join(cache, leftover), ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="build-", dir=cache) as work:
        tree, result = os.path.join(work, "tree"), os.path.join(work, "result")
        os.makedirs(result)
        kernel = packages.kernel_of(versions)
        release = kernel.removeprefix("linux-image-")
        files = packages.download(versions, os.path.join(work, "deb"))
        packages.unpack(files, tree, kernel, _kernel_members(release))
        kernel_file = os.path.join(tree, "boot", f"vmlinuz-{release}")
        initramfs_file = os.path.join(work, "initrd.gz")
        with open(initramfs_file, "wb") as file:
            file.write(initramfs.build(tree, os.path.join(_GUEST_DIRECTORY, "rootfs"), release))
        disk.build(os.path.join(result, DISK_NAME), tree, kernel_file, initramfs_file)
        iso.build(os.path.join(result, ISO_NAME), tree, kernel_file, initramfs_file, work)
        with open(os.path.join(result, "packages.txt"), "w", encoding="utf-8") as file:
            file.write(text + "\n")
        os.chmod(result, 0o755)
        os.rename(result, target)
    say(f"built the demo guest in {time.monotonic() - started:.0f} s")


def _kernel_members(release):
    """Returns patterns for what the guest needs from the kernel package."""
    members = [f"./boot/vmlinuz-{release}"]
    for part in ("drivers/ata", "drivers/block", "drivers/cdrom", "drivers/char", "drivers/acpi",
                 "drivers/input", "drivers/message", "drivers/net", "drivers/nvme", "drivers/scsi",
                 "drivers/usb", "drivers/virtio", "drivers/hid", "fs", "lib", "crypto", "arch",
                 "block", "net/core"):
        members.append(f"./lib/modules/{release}/kernel/{part}/*.ko")
    return members


def _older(cache, builder, error, say):
    found = [os.path.join(cache, name) for name in os.listdir(cache)
             if name.startswith(builder + "-")]
    if not found:
        raise BuildError(f"cannot build the demo guest: {error}") from None
    newest = max(found, key=os.path.getmtime)
    say(f"using the demo guest built earlier ({error})")
    return newest


def _prune(cache, current):
    """Keeps the newest few images; others may belong to an older release of the sandbox."""
    images = [os.path.join(cache, name) for name in os.listdir(cache)
              if len(name) == 25 and name[12] == "-"]
    images.sort(key=os.path.getmtime, reverse=True)
    for path in images[_KEPT_IMAGES:]:
        if path != current:
            shutil.rmtree(path, ignore_errors=True)


def _builder_hash():
    digest = hashlib.sha256()
    for directory, directories, files in os.walk(_GUEST_DIRECTORY):
        directories[:] = sorted(name for name in directories if name != "__pycache__")
        for file in sorted(files):
            path = os.path.join(directory, file)
            if file.endswith(".md"):
                continue
            digest.update(os.path.relpath(path, _GUEST_DIRECTORY).encode() + b"\0")
            digest.update(b"%o\0" % (os.stat(path).st_mode & 0o100))
            with open(path, "rb") as source:
                digest.update(source.read())
    return digest.hexdigest()[:12]


def _short_hash(data):
    return hashlib.sha256(data).hexdigest()[:12]


def main(arguments):
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="build-demo-guest", description=__doc__)
    parser.add_argument("--cache", default=DEFAULT_CACHE, metavar="DIR")
    options = parser.parse_args(arguments)
    try:
        print(ensure(options.cache, lambda text: print(text, file=sys.stderr)))
    except (BuildError, OSError) as error:
        print(f"build-demo-guest: {error}", file=sys.stderr)
        return 1
    return 0
