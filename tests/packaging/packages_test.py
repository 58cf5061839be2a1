#!/usr/bin/python3
"""The Debian packages: installed, set up, upgraded, removed and purged, in a root of their own.

The root is an overlay over this machine's, so nothing of it stays. There is no service manager in
it: the units are only checked for mistakes.

    BUILD=build /usr/bin/python3 tests/packaging/packages_test.py     (as root)
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = (SOURCE / os.environ.get("BUILD", "build")).resolve()


def run(*command, **keywords):
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            check=False, **keywords)
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit code {result.returncode}\n"
                             + result.stdout)
    return result.stdout


class PackagesTest(unittest.TestCase):
    """Lives of the packages of a host and of a center. Needs root, for the overlay and for dpkg."""

    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="drover-packages-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.first = cls._make_packages("first", None)
        cls.second = cls._make_packages("second", "0.1.0+next")

    @classmethod
    def _make_packages(cls, name, version):
        options = ["-D", f"CPACK_OUTPUT_FILE_PREFIX={cls.directory / name}"]
        if version:
            options += ["-D", f"CPACK_PACKAGE_VERSION={version}"]
        run("cpack", "-G", "DEB", "--config", str(BUILD / "CPackConfig.cmake"), "-B",
            str(cls.directory / (name + "-work")), *options)
        return {path.name.split("_")[0]: path for path in (cls.directory / name).glob("*.deb")}

    def setUp(self):
        self.mounts = []
        self.addCleanup(self._unmount)
        self.root = self.directory / "root"
        base = self.directory / "overlay"
        self.root.mkdir(exist_ok=True)
        base.mkdir(exist_ok=True)
        self._mount("-t", "tmpfs", "tmpfs", base)
        (base / "upper").mkdir()
        (base / "work").mkdir()
        self._mount("-t", "overlay", "overlay", "-o",
                    f"lowerdir=/,upperdir={base}/upper,workdir={base}/work", self.root)
        self._mount("-t", "proc", "proc", self.root / "proc")
        # What the machine has of an installed drover is not this test's.
        for left in ("etc/drover", "var/lib/drover", "etc/drover-center", "var/lib/drover-center"):
            shutil.rmtree(self.root / left, ignore_errors=True)

    def _mount(self, *arguments):
        run("mount", *map(str, arguments))
        self.mounts.append(arguments[-1])

    def _unmount(self):
        for mount in reversed(self.mounts):
            subprocess.run(["umount", "-l", str(mount)], check=False)

    def inside(self, *command, **keywords):
        return run("chroot", str(self.root), *command, **keywords)

    def install(self, packages, names=("drover", "drover-host")):
        for name in names:
            shutil.copy(packages[name], self.root / "tmp")
        # A service manager that runs on this machine must not hear of it.
        return self.inside("env", "SYSTEMD_OFFLINE=1", "dpkg", "-i",
                           *(f"/tmp/{packages[name].name}" for name in names))

    def exists(self, path):
        return (self.root / path).exists()

    def test_life_of_a_host(self):
        said = self.install(self.first)
        self.assertIn("drover-host-setup", said)
        self.assertIn("drover", self.inside("getent", "passwd", "drover"))
        self.assertIn("drover", self.inside("id", "-nG", "libvirt-qemu"))

        self.inside("drover-host-setup", "--address", "192.0.2.7", "--name", "packaged",
                    "--datastore", "ds1=/srv/machines/ds1", "--password-stdin", "--no-start",
                    input="a password\n")
        settings = json.loads((self.root / "etc/drover/hostd.json").read_text())
        self.assertEqual(settings["host_name"], "packaged")
        self.assertEqual(settings["datastores"], [{"name": "ds1", "path": "/srv/machines/ds1"}])
        self.assertTrue(self.exists("var/lib/drover/hostd/hostd.db"))
        self.assertEqual((self.root / "srv/machines/ds1").stat().st_mode & 0o7777, 0o2770)
        self.assertIn("/srv/machines", (self.root / "etc/drover/rootd.env").read_text())
        # Again, for one change: all else stays.
        self.inside("drover-host-setup", "--address", "192.0.2.8", "--no-start")
        settings = json.loads((self.root / "etc/drover/hostd.json").read_text())
        self.assertEqual((settings["host_name"], settings["management_address"]),
                         ("packaged", "192.0.2.8"))

        machine = self.root / "srv/machines/ds1/vm"
        machine.mkdir()
        self.install(self.second)
        self.assertIn("0.1.0+next", self.inside("dpkg-query", "-W", "drover-host"))
        self.assertTrue(self.exists("etc/drover/hostd.json"), "an upgrade keeps settings")
        self.assertTrue(self.exists("var/lib/drover/hostd/hostd.db"), "an upgrade keeps state")

        self.inside("env", "SYSTEMD_OFFLINE=1", "dpkg", "--remove", "drover-host")
        self.assertFalse(self.exists("usr/sbin/drover-hostd"))
        self.assertTrue(self.exists("etc/drover/hostd.json"), "removal keeps settings")
        self.assertTrue(self.exists("var/lib/drover/hostd/hostd.db"), "removal keeps state")
        self.assertFalse(self.exists("etc/systemd/system/libvirtd.service.d/drover.conf"),
                         "removal gives libvirt its settings back")

        self.inside("env", "SYSTEMD_OFFLINE=1", "dpkg", "--purge", "drover-host")
        self.assertFalse(self.exists("etc/drover"))
        self.assertFalse(self.exists("var/lib/drover/hostd"))
        self.assertTrue(machine.exists(), "machines always stay")

    def test_life_of_a_center(self):
        self.assertIn("drover-center-setup", self.install(self.first, ("drover-center",)))
        self.inside("drover-center-setup", "--address", "192.0.2.9", "--name", "middle", "--port",
                    "8443", "--password-stdin", "--no-start", input="a password\n")
        settings = self.root / "etc/drover-center/centerd.json"
        self.assertEqual(json.loads(settings.read_text())["name"], "middle")
        self.assertTrue(self.exists("var/lib/drover-center/centerd.db"))
        socket_unit = "etc/systemd/system/drover-centerd.socket.d/port.conf"
        self.assertIn("ListenStream=8443", (self.root / socket_unit).read_text())
        self.inside("drover-center-setup", "--name", "new", "--no-start")
        self.assertEqual(json.loads(settings.read_text()),
                         {"state_directory": "/var/lib/drover-center", "name": "new",
                          "management_address": "192.0.2.9"})

        self.install(self.second, ("drover-center",))
        self.assertIn("0.1.0+next", self.inside("dpkg-query", "-W", "drover-center"))
        self.assertTrue(self.exists("var/lib/drover-center/centerd.db"), "an upgrade keeps state")
        self.inside("env", "SYSTEMD_OFFLINE=1", "dpkg", "--remove", "drover-center")
        self.assertFalse(self.exists("usr/sbin/drover-centerd"))
        self.assertFalse(self.exists(socket_unit))
        self.assertTrue(self.exists("var/lib/drover-center/centerd.db"), "removal keeps state")
        self.inside("env", "SYSTEMD_OFFLINE=1", "dpkg", "--purge", "drover-center")
        self.assertFalse(self.exists("etc/drover-center"))
        self.assertFalse(self.exists("var/lib/drover-center"))

    def test_what_setup_refuses(self):
        self.install(self.first)
        for arguments, word in ((["--datastore", "ds1"], "NAME=VALUE"),
                                (["--datastore", "a=relative"], "absolute"),
                                (["--datastore", "a=/srv/../etc"], "absolute"),
                                (["--network", "LAN=nobridge0"], "nobridge0")):
            result = subprocess.run(
                ["chroot", str(self.root), "drover-host-setup", "--no-start", "--address",
                 "192.0.2.7", "--password-stdin", *arguments], input="x\n", text=True,
                stderr=subprocess.PIPE, check=False)
            self.assertNotEqual(result.returncode, 0, arguments)
            self.assertIn(word, result.stderr)
            self.assertFalse(self.exists("etc/drover/hostd.json"))

    def test_units_and_tools_are_sound(self):
        self.install(self.first, ("drover", "drover-host", "drover-center", "drover-sandbox"))
        self.inside("drover-host-setup", "--address", "192.0.2.7", "--password-stdin",
                    "--no-start", input="a password\n")
        self.inside("drover-center-setup", "--address", "192.0.2.7", "--password-stdin",
                    "--no-start", input="a password\n")
        units = ["drover-had.service", "drover-hostd.service", "drover-hostd.socket",
                 "drover-rootd.service", "drover-centerd.service", "drover-centerd.socket"]
        said = self.inside("systemd-analyze", "verify", "--man=no",
                           *(f"/usr/lib/systemd/system/{unit}" for unit in units))
        self.assertNotIn("drover", said)
        self.assertIn("vm", self.inside("drover", "--help"))
        self.assertIn("up", self.inside("drover", "sandbox", "--help"))
        self.assertIn("drover-rootd", self.inside("drover-rootd", "--help"))


if __name__ == "__main__":
    unittest.main()
