#!/usr/bin/python3
"""Boots the demo guest in plain QEMU on every disk bus and network card, with BIOS and UEFI.

Each machine must come up, get an address, answer through the guest agent and on the web, mount
its data partition, and go down when its power button is pressed.
"""

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

HERE = os.path.dirname(os.path.realpath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(HERE, "..", "..", "sandbox", "guest"))

from demo_guest import build  # noqa: E402

BOOT_S = 240.0  # seven seconds on an idle machine; CI machines are not

# name, machine type, devices that hold the drive called "disk", network card
MACHINES = (
    ("ide", "pc", ["ide-hd,drive=disk,bus=ide.0"], "e1000"),
    ("ahci", "q35", ["ahci,id=sata9", "ide-hd,drive=disk,bus=sata9.0"], "e1000e"),
    # QEMU's SAS controller announces only disks that have a world-wide name.
    ("mptsas", "pc", ["mptsas1068", "scsi-hd,drive=disk,wwn=0x5000c50015ea7101"], "vmxnet3"),
    ("lsilogic", "pc", ["lsi53c895a", "scsi-hd,drive=disk"], "pcnet"),
    ("pvscsi", "pc", ["pvscsi", "scsi-hd,drive=disk"], "vmxnet3"),
    ("virtio-blk", "q35", ["virtio-blk-pci,drive=disk"], "virtio-net-pci"),
    ("virtio-scsi", "q35", ["virtio-scsi-pci", "scsi-hd,drive=disk"], "e1000"),
    ("nvme", "q35", ["nvme,drive=disk,serial=1"], "vmxnet3"),
    ("usb", "q35", ["qemu-xhci", "usb-storage,drive=disk"], "virtio-net-pci"),
    ("cdrom-ide", "pc", ["ide-cd,drive=disk,bus=ide.1"], "pcnet"),
    ("cdrom-ahci", "q35", ["ide-cd,drive=disk,bus=ide.2"], "e1000e"),
)

# Debian's OVMF is built without drivers for these: no UEFI machine boots from them.
NOT_WITH_UEFI = ("lsilogic", "mptsas", "pvscsi")


class Machine:
    """One QEMU with the demo guest; a context manager that leaves nothing behind."""

    def __init__(self, directory, image, firmware, machine, devices, card, cdrom):
        self.began = time.monotonic()
        self._directory = directory
        self.web_port = _free_port()
        drive = os.path.join(directory, "disk")
        if cdrom:
            os.symlink(image, drive)
        else:
            subprocess.run(["cp", "--sparse=always", image, drive], check=True)
        command = [
            "qemu-system-x86_64", "-accel", "tcg", "-machine", machine, "-m", "256", "-nodefaults",
            "-display", "none", "-vga", "std", "-no-reboot",
            "-serial", self._socket("serial"), "-qmp", self._socket("qmp"),
            "-drive", f"if=none,id=disk,format=raw,file={drive}"
            + (",media=cdrom,readonly=on" if cdrom else ""),
            "-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{self.web_port}-:80",
            "-device", f"{card},netdev=net",
            "-device", "virtio-serial-pci", "-chardev",
            "socket,id=agent,server=on,wait=off,path=" + os.path.join(directory, "agent"),
            "-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0",
        ]
        for device in devices:
            last = device is devices[-1]
            command += ["-device", device + (",bootindex=1" if last else "")]
        if firmware == "uefi":
            variables = os.path.join(directory, "vars.fd")
            shutil.copyfile("/usr/share/OVMF/OVMF_VARS_4M.fd", variables)
            command += [
                "-drive", "if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd",
                "-drive", f"if=pflash,format=raw,file={variables}"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_us,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.serial = b""
        self._connection = self._connect("serial")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
        self._connection.close()

    def wait_for(self, text, wait_s=BOOT_S):
        """Waits until the serial console has said `text`; returns seconds since power-on."""
        deadline = self.began + wait_s
        while text.encode() not in self.serial:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or self.process.poll() is not None:
                raise AssertionError(f"no '{text}' on the serial console, but:\n"
                                     + self.serial.decode(errors="replace")[-2000:])
            self._connection.settimeout(left_s)
            try:
                data = self._connection.recv(4096)
            except TimeoutError:
                continue
            if not data:
                time.sleep(0.05)
            self.serial += data
        return time.monotonic() - self.began

    def type(self, line):
        self._connection.sendall(line.encode() + b"\n")

    def agent(self, command):
        with self._connect("agent") as connection, connection.makefile("rw") as stream:
            stream.write(json.dumps({"execute": command}) + "\n")
            stream.flush()
            connection.settimeout(20)
            return json.loads(stream.readline())["return"]

    def press_power_button(self):
        with self._connect("qmp") as connection, connection.makefile("rw") as stream:
            stream.readline()
            for command in ("qmp_capabilities", "system_powerdown"):
                stream.write(json.dumps({"execute": command}) + "\n")
                stream.flush()
                stream.readline()

    def web(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.web_port}{path}", timeout=20) as got:
            return got.read().decode()

    def _socket(self, name):
        return "unix:" + os.path.join(self._directory, name) + ",server=on,wait=off"

    def _connect(self, name):
        connection = socket.socket(socket.AF_UNIX)
        deadline = time.monotonic() + 10
        while True:
            try:
                connection.connect(os.path.join(self._directory, name))
                return connection
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    connection.close()
                    raise AssertionError(self.process.stdout.read().decode()) from None
                time.sleep(0.05)


def _die_with_us():
    ctypes.CDLL(None).prctl(1, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)  # PR_SET_PDEATHSIG


def _free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class GuestBoots(unittest.TestCase):
    times = []

    @classmethod
    def setUpClass(cls):
        cache = build.DEFAULT_CACHE if os.geteuid() == 0 else tempfile.mkdtemp()
        cls.images = build.ensure(cache)

    @classmethod
    def tearDownClass(cls):
        print("\nboot times under TCG: seconds until the address is there")
        for name, firmware, seconds in cls.times:
            print(f"  {name:12} {firmware:5} {seconds:5.1f}")

    def boot(self, firmware, name, machine, devices, card):
        cdrom = name.startswith("cdrom")
        image = os.path.join(self.images, build.ISO_NAME if cdrom else build.DISK_NAME)
        with tempfile.TemporaryDirectory(prefix="demo-guest-") as directory, \
                Machine(directory, image, firmware, machine, devices, card, cdrom) as guest:
            guest.wait_for("demo: demo-123456 eth0 10.0.2.15")
            self.times.append((f"{name}/{card.split('-')[0]}", firmware,
                               time.monotonic() - guest.began))
            guest.wait_for("tick 3 ")
            self.assertEqual("demo-123456", guest.agent("guest-get-host-name")["host-name"])
            names = [item["name"] for item in guest.agent("guest-network-get-interfaces")]
            self.assertEqual(["lo", "eth0"], names)
            self.assertIn("<h1>It runs.</h1>", guest.web("/"))
            if not cdrom:
                guest.type("until grep ' /data ext4 rw' /proc/mounts; do sleep 1; done")
                guest.wait_for("/data ext4 rw,", time.monotonic() - guest.began + 60)
            guest.press_power_button()
            guest.wait_for("demo: stopped")
            self.assertEqual(0, guest.process.wait(30))

    def test_load_switches(self):
        name, machine, devices, card = MACHINES[4]
        image = os.path.join(self.images, build.DISK_NAME)
        with tempfile.TemporaryDirectory(prefix="demo-guest-") as directory, \
                Machine(directory, image, "bios", machine, devices, card, False) as guest:
            guest.wait_for("demo: demo-123456 eth0 10.0.2.15")
            time.sleep(2)
            idle_s = self.cpu_seconds_per_second(guest)
            self.assertLess(idle_s, 0.5)
            self.assertIn("cpu=1 mem=64 disk=2", guest.web("/cgi-bin/load?cpu=1&mem=64&disk=2"))
            self.assertGreater(self.cpu_seconds_per_second(guest), idle_s + 0.15)
            self.wait_for_size(guest, "/run/load/mem.data", 60_000)
            self.wait_for_size(guest, "/data/load.data", 2_000)
            self.assertIn("at most 64", guest.web("/cgi-bin/load?cpu=65"))
            self.assertIn("whole number", guest.web("/cgi-bin/load?mem=x"))
            self.assertIn("only cpu=N", guest.web("/cgi-bin/load?cpu=$(reboot)"))
            self.assertIn("cpu=0 mem=0 disk=0", guest.web("/cgi-bin/load?cpu=0&mem=0&disk=0"))
            self.assertLess(self.cpu_seconds_per_second(guest), 0.5)

    def wait_for_size(self, guest, path, wanted_kb, wait_s=120):
        deadline = time.monotonic() + wait_s
        while int(self.shell(guest, f"du -k {path} | cut -f1")) < wanted_kb:
            self.assertLess(time.monotonic(), deadline, f"{path} does not grow")
            time.sleep(1)

    def shell(self, guest, command):
        mark = f"answer{len(guest.serial)}"
        guest.type(f"echo \"{mark}\"=$({command}).")
        guest.wait_for(f"\n{mark}=")
        deadline = time.monotonic() + 10
        while True:
            answer = guest.serial.split(f"\n{mark}=".encode())[1]
            if b"." in answer:
                return answer.split(b".")[0].decode()
            guest.wait_for("tick", deadline - time.monotonic())
            time.sleep(0.1)

    @staticmethod
    def cpu_seconds_per_second(guest, over_s=3.0):
        def used():
            with open(f"/proc/{guest.process.pid}/stat", encoding="latin-1") as file:
                fields = file.read().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        before = used()
        time.sleep(over_s)
        return (used() - before) / over_s


def _add_tests():
    for name, machine, devices, card in MACHINES:
        for firmware in ("bios",) if name in NOT_WITH_UEFI else ("bios", "uefi"):
            def test(self, firmware=firmware, name=name, machine=machine, devices=devices,
                     card=card):
                self.boot(firmware, name, machine, devices, card)
            setattr(GuestBoots, f"test_{firmware}_{name.replace('-', '_')}", test)


_add_tests()

if __name__ == "__main__":
    unittest.main(verbosity=2)
