"""Makes the guest's root file system: a cpio archive that the kernel unpacks into memory."""

import gzip
import os
import stat

from . import elf, modules

_LIBRARY_DIRECTORIES = ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib64")
_LOADER = "lib64/ld-linux-x86-64.so.2"


class Archive:
    """A cpio archive (newc) under construction; equal contents give equal bytes."""

    def __init__(self):
        self._parts = []
        self._inode = 0
        self._directories = set()

    def directory(self, name, mode=0o755):
        """Adds a directory and, before it, its parents."""
        parent = os.path.dirname(name)
        if parent and parent not in self._directories:
            self.directory(parent)
        if name not in self._directories:
            self._directories.add(name)
            self._entry(name, stat.S_IFDIR | mode)

    def file(self, name, data, mode=0o644):
        self.directory(os.path.dirname(name)) if os.path.dirname(name) else None
        self._entry(name, stat.S_IFREG | mode, data)

    def link(self, name, target):
        self.directory(os.path.dirname(name)) if os.path.dirname(name) else None
        self._entry(name, stat.S_IFLNK | 0o777, target.encode())

    def character_device(self, name, major, minor, mode=0o600):
        self.directory(os.path.dirname(name))
        self._entry(name, stat.S_IFCHR | mode, b"", (major, minor))

    def finish(self):
        """Returns the whole archive, compressed."""
        self._entry("TRAILER!!!", 0)
        return gzip.compress(b"".join(self._parts), 9, mtime=0)

    def _entry(self, name, mode, data=b"", device=(0, 0)):
        self._inode += 1
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        self._parts.append(_padded(header + name.encode() + b"\0"))
        self._parts.append(_padded(data))


def build(tree, rootfs, kernel_release):
    """Returns the compressed initramfs.

    `tree` holds the unpacked packages, `rootfs` our own files.
    """
    archive = Archive()
    for name in ("proc", "sys", "dev", "run", "tmp", "data", "media", "root", "var/run", "var/log",
                 "var/local/run", "usr/bin", "usr/sbin", "sbin"):
        archive.directory(name)
    archive.character_device("dev/console", 5, 1)
    archive.character_device("dev/null", 1, 3, 0o666)
    _add_own_files(archive, rootfs)
    archive.file("bin/busybox", _read(os.path.join(tree, "bin/busybox")), 0o755)
    for name in ("init", "sbin/init", "bin/sh", "sbin/modprobe"):
        archive.link(name, "/bin/busybox")
    for name in ("sbin/poweroff", "sbin/reboot", "sbin/halt"):
        archive.link(name, "/bin/busybox")
    _add_program(archive, tree, "usr/sbin/qemu-ga")
    _add_modules(archive, os.path.join(tree, "lib/modules", kernel_release), kernel_release)
    return archive.finish()


def _add_own_files(archive, rootfs):
    for directory, directories, files in os.walk(rootfs):
        directories.sort()
        for file in sorted(files):
            path = os.path.join(directory, file)
            mode = 0o755 if os.stat(path).st_mode & 0o100 else 0o644
            archive.file(os.path.relpath(path, rootfs), _read(path), mode)


def _add_program(archive, tree, name):
    """Adds a program and all shared libraries that it needs."""
    data = _read(os.path.join(tree, name))
    archive.file(name, data, 0o755)
    archive.file(_LOADER, _read(_library(tree, os.path.basename(_LOADER))), 0o755)
    done, queue = {os.path.basename(_LOADER)}, elf.needed_libraries(data)
    while queue:
        library = queue.pop()
        if library in done:
            continue
        done.add(library)
        data = _read(_library(tree, library))
        archive.file(f"lib/x86_64-linux-gnu/{library}", data, 0o755)
        queue += elf.needed_libraries(data)


def _add_modules(archive, tree, release):
    chosen = modules.choose(tree)
    base = f"lib/modules/{release}"
    for _, path, _ in chosen:
        archive.file(f"{base}/{os.path.basename(path)}", _read(path))
    dep, alias = modules.index_files(chosen)
    archive.file(f"{base}/modules.dep", dep.encode())
    archive.file(f"{base}/modules.alias", alias.encode())


def _library(tree, name):
    for directory in _LIBRARY_DIRECTORIES:
        path = os.path.join(tree, directory, name)
        if os.path.exists(path):
            return path
    raise FileNotFoundError(f"no package holds the shared library {name}")


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def _padded(data):
    return data + b"\0" * (-len(data) % 4)
