#!/usr/bin/python3
"""A real guest's disks go to another datastore of its host while it writes to them: all the way,
cancelled, and with the agent killed in the middle. In the end its file system is looked at from
outside.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/live_relocation_test.py
"""

import glob
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from pyVmomi import vim, vmodl  # noqa: E402

from drover_e2e import (Sandbox, add_disk, connect, connect_when_ready, make_spec,  # noqa: E402
                        wait_task, wait_until)

NAME = "mover"
THICK_MB = 192
MIB = 1 << 20


def make_directory(path):
    os.makedirs(path, exist_ok=True)
    shutil.chown(path, "drover", "drover")
    os.chmod(path, 0o2770)
    return path


def setUpModule():
    global SANDBOX, TINY, UUID, ADDRESS, PLACES
    # Smaller than the disks; mounted before the host has its own view of what is mounted.
    TINY = tempfile.mkdtemp(prefix="drover-tiny-")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", TINY], check=True)
    SANDBOX = None
    try:
        SANDBOX = Sandbox(hosts=1, arguments=("--cpus", "1"))
        client = connect(SANDBOX)
        local = make_directory(os.path.join(SANDBOX.directory, "local"))
        system = client.host.configManager.datastoreSystem
        system.CreateLocalDatastore("local", local)
        system.CreateLocalDatastore("tiny", make_directory(TINY))
        PLACES = {"shared": SANDBOX.datastore_directory, "local": local, "tiny": TINY}
        machine = wait_task(client.create(make_spec(NAME, memory_mb=128)))
        spec = add_disk(1, THICK_MB, thin=False, machine=machine)
        spec.deviceChange[-1].device.backing.eagerlyScrub = True
        wait_task(machine.ReconfigVM_Task(spec))
        wait_task(machine.PowerOnVM_Task())
        UUID = machine.config.uuid
        ADDRESS = wait_until(lambda: machine.guest.ipAddress, 150, "an address of the guest")
        client.close()
    except BaseException:
        tearDownModule()
        raise


def tearDownModule():
    if SANDBOX:
        SANDBOX.close()
    subprocess.run(["umount", "-l", TINY], check=False)
    os.rmdir(TINY)


def guest(query=""):
    """What the guest's web server says."""
    with urllib.request.urlopen(f"http://{ADDRESS}/cgi-bin/load{query}", timeout=30) as answer:
        return answer.read().decode()


def guest_uptime():
    return float(re.search(r"uptime ([\d.]+)", guest()).group(1))


def open_disks():
    """The disk images that the guest's QEMU has open."""
    pid = SANDBOX.qemu_processes()[UUID]
    found = set()
    for entry in glob.glob(f"/proc/{pid}/fd/*"):
        try:
            target = os.readlink(entry)
        except OSError:
            continue
        if "-flat." in target:
            found.add(target)
    return found


def lease(datastore):
    """The newest lease of the machine on a datastore."""
    files = glob.glob(os.path.join(PLACES[datastore], NAME, "*.lease.*"))
    newest = max(files, key=lambda name: int(name.rsplit(".", 1)[1]))
    with open(newest, encoding="utf-8") as file:
        return json.load(file)


class SlowCopies:
    """As soon as the second disk is being copied its copy gets slow, so that there is a middle."""

    def __init__(self):
        script = (f"n=0; until virsh -q blockjob {UUID} sdb --bandwidth 2 2>/dev/null; do "
                  "n=$((n + 1)); [ $n -gt 400 ] && exit 1; done; echo slow")
        self._result = None
        self._thread = threading.Thread(target=self._run, args=(script,))
        self._thread.start()

    def _run(self, script):
        self._result = SANDBOX.inside("host1", "sh", "-c", script, check=False)

    def wait(self):
        self._thread.join()
        if self._result != "slow":
            raise AssertionError("the copy was over before it could be slowed down")


class LiveRelocation(unittest.TestCase):
    def setUp(self):
        self.login()
        self.addCleanup(lambda: self.client.close())

    def login(self):
        self.client = connect_when_ready(SANDBOX)
        self.machine = wait_until(lambda: self.client.machines().get(NAME), 30, "the machine")

    def relocate(self, datastore, **more):
        spec = vim.vm.RelocateSpec(datastore=self.client.datastore(datastore), **more)
        return self.machine.RelocateVM_Task(spec)

    def disks(self):
        return [device for device in self.machine.config.hardware.device
                if isinstance(device, vim.vm.device.VirtualDisk)]

    def check_home(self, datastore, nowhere):
        """The machine runs, has its files there and nowhere else, and so has its QEMU."""
        self.assertEqual("poweredOn", self.machine.runtime.powerState)
        self.assertEqual(f"[{datastore}] {NAME}/{NAME}.vmx", self.machine.config.files.vmPathName)
        self.assertEqual([datastore], [item.name for item in self.machine.datastore])
        home = os.path.join(PLACES[datastore], NAME)
        opened = {path for path in open_disks() if not path.startswith(
            os.path.join(PLACES["shared"], "demo") + "/")}
        self.assertEqual({home}, {os.path.dirname(path) for path in opened}, opened)
        self.assertFalse(os.path.exists(os.path.join(PLACES[nowhere], NAME)))
        self.assertTrue(lease(datastore)["owner"])
        jobs = SANDBOX.inside("host1", "sh", "-c", f"virsh dumpxml {UUID} | grep -c '<mirror'",
                              check=False)
        self.assertEqual("0", jobs.splitlines()[-1])

    def test_1_refusals_and_no_operation(self):
        wait_task(self.relocate("shared"))
        self.check_home("shared", "local")
        with self.assertRaises(vim.fault.NoDiskSpace) as caught:
            wait_task(self.relocate("tiny"))
        self.assertEqual("tiny", caught.exception.datastore)
        self.assertFalse(os.path.exists(os.path.join(TINY, NAME)))
        locator = vim.vm.RelocateSpec.DiskLocator(diskId=99,
                                                  datastore=self.client.datastore("local"))
        with self.assertRaises(vmodl.fault.InvalidArgument):
            wait_task(self.machine.RelocateVM_Task(vim.vm.RelocateSpec(disk=[locator])))
        checker = vim.vm.check.ProvisioningChecker("drover-provisioning-checker",
                                                   self.client.si._stub)
        spec = vim.vm.RelocateSpec(datastore=self.client.datastore("tiny"), disk=[locator])
        result, = wait_task(checker.CheckRelocate_Task(self.machine, spec))
        self.assertEqual({vim.fault.NoDiskSpace, vmodl.fault.InvalidArgument},
                         {type(error) for error in result.error})
        spec.datastore, spec.disk = self.client.datastore("local"), []
        result, = wait_task(checker.CheckRelocate_Task(self.machine, spec))
        self.assertFalse(result.error)

    def test_2_all_files_while_the_guest_writes(self):
        guest("?disk=8")
        before = guest_uptime()
        boot = self.machine.runtime.bootTime
        uuids = [disk.backing.uuid for disk in self.disks()]
        started = time.monotonic()
        wait_task(self.relocate("local"))
        print(f"moved in {time.monotonic() - started:.1f} s", flush=True)
        self.check_home("local", "shared")
        self.assertGreater(guest_uptime(), before)
        self.assertEqual(boot, self.machine.runtime.bootTime)
        thin, thick = self.disks()
        self.assertEqual(uuids, [thin.backing.uuid, thick.backing.uuid])
        self.assertTrue(thin.backing.thinProvisioned)
        self.assertIsNone(thin.backing.parent)
        self.assertFalse(thick.backing.thinProvisioned)
        self.assertTrue(thick.backing.eagerlyScrub)
        sizes = {path: os.stat(path) for path in open_disks()}
        space = sorted((size.st_blocks * 512 // MIB, size.st_size // MIB)
                       for size in sizes.values())
        self.assertGreaterEqual(space[-1][0], min(THICK_MB, space[-1][1]))
        self.assertLess(min(taken / size for taken, size in space), 0.6)
        kinds = {type(event).__name__.rsplit(".", 1)[-1]
                 for event in self.client.content.eventManager.QueryEvents(
                     vim.event.EventFilterSpec())}
        self.assertIn("VmRelocatedEvent", kinds)

    def test_3_cancelled(self):
        slow = SlowCopies()
        task = self.relocate("shared")
        slow.wait()
        wait_until(lambda: task.info.progress, 10, "progress")
        with self.assertRaises(vim.fault.TaskInProgress):
            wait_task(self.machine.PowerOffVM_Task())
        task.CancelTask()
        with self.assertRaises(vmodl.fault.RequestCanceled):
            wait_task(task)
        self.check_home("local", "shared")
        guest_uptime()

    def test_4_the_agent_is_killed_in_the_middle(self):
        slow = SlowCopies()
        self.relocate("shared")
        slow.wait()
        SANDBOX.kill_hostd()
        self.login()
        self.check_home("local", "shared")
        guest_uptime()

    def test_5_the_agent_is_killed_at_another_moment(self):
        task = self.relocate("shared")
        # Close to the switch, which comes at 95 percent.
        least = random.choice((20, 60, 95))
        wait_until(lambda: (task.info.progress or 0) >= least or task.info.state == "success", 30,
                   "progress")
        SANDBOX.kill_hostd()
        self.login()
        at = self.machine.config.files.vmPathName[1:].split("]")[0]
        print(f"killed at {least} %: on {at}", flush=True)
        self.check_home(at, "local" if at == "shared" else "shared")
        guest_uptime()

    def test_5_the_engine_s_daemon_is_killed_in_the_middle(self):
        home = self.machine.config.files.vmPathName
        at = home[1:].split("]")[0]
        other = "local" if at == "shared" else "shared"
        slow = SlowCopies()
        task = self.relocate(other)
        slow.wait()
        SANDBOX.kill("libvirtd")
        # Its next run takes the copies over. Whether the agent noticed that it was away is chance,
        # and so is whether the task fails; where the machine is is not.
        SANDBOX.inside("host1", "sh", "-c", "n=0; until virsh -q blockjob "
                       f"{UUID} sdb --bandwidth 0; do n=$((n + 1)); [ $n -gt 20 ] && break; "
                       "sleep 0.1; done", check=False)
        try:
            wait_task(task)
            at, other = other, at
        except vmodl.MethodFault as fault:
            print("failed:", fault.msg, flush=True)
        self.check_home(at, other)
        guest_uptime()

    def test_6_one_disk_alone(self):
        home = self.machine.config.files.vmPathName
        at = home[1:].split("]")[0]
        other = "local" if at == "shared" else "shared"
        locator = vim.vm.RelocateSpec.DiskLocator(diskId=self.disks()[1].key,
                                                  datastore=self.client.datastore(other))
        wait_task(self.machine.RelocateVM_Task(vim.vm.RelocateSpec(disk=[locator])))
        self.assertEqual(home, self.machine.config.files.vmPathName)
        self.assertEqual({"local", "shared"}, {item.name for item in self.machine.datastore})
        thin, thick = (disk.backing.fileName for disk in self.disks())
        self.assertTrue(thin.startswith(f"[{at}]") and thick.startswith(f"[{other}]"))
        guest_uptime()

    def test_7_with_the_firmware_s_variables(self):
        """Of a machine with UEFI firmware, running and off; it starts from what was copied."""
        name = "modern"
        spec = make_spec(name, memory_mb=128, nic=False)
        spec.firmware = "efi"
        machine = wait_task(self.client.create(spec))
        wait_task(machine.PowerOnVM_Task())
        uuid = machine.config.uuid
        for datastore in ("local", "shared"):
            wait_task(machine.RelocateVM_Task(
                vim.vm.RelocateSpec(datastore=self.client.datastore(datastore))))
            self.assertEqual([datastore], [item.name for item in machine.datastore])
            pid = SANDBOX.qemu_processes()[uuid]
            opened = {os.readlink(entry) for entry in glob.glob(f"/proc/{pid}/fd/*")
                      if os.path.lexists(entry)}
            variables = os.path.join(PLACES[datastore], name, name + ".nvram")
            self.assertEqual({variables}, {path for path in opened if ".nvram" in path})
        wait_task(machine.PowerOffVM_Task())
        with open(variables, "rb") as file:
            content = file.read()
        self.assertIn(b"_FVH", content)
        wait_task(machine.RelocateVM_Task(
            vim.vm.RelocateSpec(datastore=self.client.datastore("local"))))
        variables = os.path.join(PLACES["local"], name, name + ".nvram")
        with open(variables, "rb") as file:
            self.assertEqual(content, file.read())
        wait_task(machine.PowerOnVM_Task())
        wait_task(machine.PowerOffVM_Task())
        wait_task(machine.Destroy_Task())

    def test_8_what_the_guest_wrote_is_there(self):
        """Everything that the guest wrote is pieces of 1 MiB that are all alike."""
        wait_task(self.machine.PowerOffVM_Task())
        disk = self.disks()[0].backing.fileName
        image = os.path.join(PLACES[disk[1:].split("]")[0]], NAME,
                             disk.split("/")[-1].replace(".vmdk", "-flat.raw"))
        with open(image, "rb") as file:
            table = file.read(512)[446:510]
        for entry in range(4):
            start, count = (512 * number for number in
                            struct.unpack_from("<II", table, 16 * entry + 8))
            place = os.path.join(SANDBOX.directory, "partition")
            subprocess.run(["dd", f"if={image}", f"of={place}", "bs=1M", "conv=sparse",
                            "iflag=skip_bytes,count_bytes", f"skip={start}", f"count={count}",
                            "status=none"], check=True)
            label = subprocess.run(["e2label", place], capture_output=True, text=True, check=False)
            if label.stdout.strip() != "demo-data":
                continue
            # The guest lost its power: its journal is played, which must be all that is needed.
            found = subprocess.run(["e2fsck", "-fp", place], capture_output=True, text=True,
                                   check=False)
            self.assertLess(found.returncode, 2, found.stdout)
            copy = os.path.join(SANDBOX.directory, "load.data")
            subprocess.run(["debugfs", "-R", f"dump /load.data {copy}", place], check=True,
                           capture_output=True)
            with open(copy, "rb") as file:
                data = file.read()
            pieces = {data[at:at + MIB] for at in range(0, len(data) // MIB * MIB, MIB)}
            self.assertGreater(len(data), 8 * MIB)
            self.assertEqual(1, len(pieces))
            return
        self.fail("no data partition")


if __name__ == "__main__":
    unittest.main(failfast=True)
