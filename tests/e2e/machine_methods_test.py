#!/usr/bin/python3
"""What a machine, a pool and a disk can do besides power and creation: pyVmomi and plain HTTP."""

import base64
import os
import socket
import ssl
import unittest
import urllib.error
import urllib.request

from drover_e2e import (Sandbox, add_disk, connect, connect_when_ready, make_spec, remove_disk,
                        wait_task, wait_until)
from pyVmomi import vim, vmodl


def setUpModule():
    global SANDBOX
    SANDBOX = Sandbox(hosts=1)


def tearDownModule():
    SANDBOX.close()


def allocation(reservation=0, limit=-1, level="normal", shares=0, expandable=True):
    return vim.ResourceAllocationInfo(
        reservation=reservation, expandableReservation=expandable, limit=limit,
        shares=vim.SharesInfo(level=level, shares=shares))


def pool_spec(**cpu):
    return vim.ResourceConfigSpec(cpuAllocation=allocation(**cpu),
                                  memoryAllocation=allocation())


def fetch(path, method="GET", data=None, headers=None):
    """Returns (status, headers, body) of a request with the host's user and password."""
    entry = SANDBOX.host()
    login = base64.b64encode(f"{entry['username']}:{entry['password']}".encode()).decode()
    request = urllib.request.Request(f"https://{entry['address']}{path}", method=method, data=data,
                                     headers={"Authorization": f"Basic {login}", **(headers or {})})
    try:
        with urllib.request.urlopen(request, context=ssl._create_unverified_context()) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def open_console(ticket):
    """Upgrades to a WebSocket; returns (status line, the first bytes of the first message)."""
    raw = socket.create_connection((SANDBOX.host()["address"], 443), timeout=30)
    with ssl._create_unverified_context().wrap_socket(raw) as link:
        key = base64.b64encode(os.urandom(16)).decode()
        link.sendall((f"GET /ticket/{ticket} HTTP/1.1\r\nHost: host\r\nUpgrade: websocket\r\n"
                      f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: binary\r\n\r\n")
                     .encode())
        received = b""
        while b"\r\n\r\n" not in received or received.startswith(b"HTTP/1.1 101"):
            head, _, frame = received.partition(b"\r\n\r\n")
            if len(frame) >= 14:
                return head.split(b"\r\n")[0].decode(), frame[2:14]
            piece = link.recv(4096)
            if not piece:
                break
            received += piece
        return received.split(b"\r\n")[0].decode(), b""


class Case(unittest.TestCase):
    def setUp(self):
        self.host = connect(SANDBOX)
        self.addCleanup(self.host.close)
        self.root = self.host.compute.resourcePool

    def create(self, spec, on=False):
        machine = wait_task(self.host.create(spec))
        self.addCleanup(self.remove, machine)
        if on:
            wait_task(machine.PowerOnVM_Task())
        return machine

    def remove(self, machine):
        try:
            if machine.runtime.powerState == "poweredOn":
                wait_task(machine.PowerOffVM_Task())
            wait_task(machine.Destroy_Task())
        except vmodl.fault.ManagedObjectNotFound:
            pass


class Running(Case):
    @classmethod
    def setUpClass(cls):
        cls.owner = connect(SANDBOX)
        cls.machine = wait_task(cls.owner.create(make_spec("running")))
        wait_task(cls.machine.PowerOnVM_Task())

    @classmethod
    def tearDownClass(cls):
        if cls.machine.runtime.powerState == "poweredOn":
            wait_task(cls.machine.PowerOffVM_Task())
        wait_task(cls.machine.Destroy_Task())
        cls.owner.close()

    def test_a_console_ticket_opens_once(self):
        ticket = self.machine.AcquireTicket("webmks")
        self.assertEqual("[shared] running/running.vmx", ticket.cfgFile)
        self.assertTrue(ticket.sslThumbprint)
        status, hello = open_console(ticket.ticket)
        self.assertIn("101", status)
        self.assertTrue(hello.startswith(b"RFB 003."), hello)
        self.assertIn("403", open_console(ticket.ticket)[0])
        with self.assertRaises(vmodl.fault.InvalidArgument):
            self.machine.AcquireTicket("guestControl")
        self.assertTrue(self.machine.AcquireMksTicket().ticket)

    def test_pictures_of_the_screen(self):
        status, headers, body = fetch(f"/screen?id={self.machine._moId}")
        self.assertEqual((200, "image/png"), (status, headers["Content-Type"]))
        self.assertTrue(body.startswith(b"\x89PNG"))
        self.assertEqual(404, fetch("/screen?id=nobody")[0])
        path = wait_task(self.machine.CreateScreenshot_Task())
        self.assertEqual("[shared] running/running-1.png", path)
        stored = fetch("/folder/running/running-1.png?dsName=shared")[2]
        self.assertTrue(stored.startswith(b"\x89PNG"))

    def test_keys_and_interrupts(self):
        event = vim.UsbScanCodeSpec.KeyEvent(
            usbHidCode=(0x04 << 16) | 7,
            modifiers=vim.UsbScanCodeSpec.ModifierType(leftShift=True))
        self.assertEqual(2, self.machine.PutUsbScanCodes(
            vim.UsbScanCodeSpec(keyEvents=[event, event])))
        with self.assertRaises(vmodl.fault.InvalidArgument):
            self.machine.PutUsbScanCodes(vim.UsbScanCodeSpec(
                keyEvents=[vim.UsbScanCodeSpec.KeyEvent(usbHidCode=4)]))
        self.machine.SendNMI()

    def test_disks_and_cards_come_and_go(self):
        before = len(self.machine.config.hardware.device)
        wait_task(self.machine.ReconfigVM_Task(add_disk(3, machine=self.machine)))
        disk = next(device for device in self.machine.config.hardware.device
                    if isinstance(device, vim.vm.device.VirtualDisk) and device.unitNumber == 3)
        wait_task(self.machine.ReconfigVM_Task(remove_disk(disk)))
        card = make_spec("x", clone_of=None).deviceChange[0]
        wait_task(self.machine.ReconfigVM_Task(vim.vm.ConfigSpec(deviceChange=[card])))
        self.assertEqual(before + 1, len(self.machine.config.hardware.device))
        self.assertEqual("poweredOn", self.machine.runtime.powerState)

    def test_what_can_not_change_while_it_runs(self):
        with self.assertRaises(vim.fault.CpuHotPlugNotSupported):
            wait_task(self.machine.ReconfigVM_Task(vim.vm.ConfigSpec(numCPUs=2)))
        with self.assertRaises(vim.fault.MemoryHotPlugNotSupported):
            wait_task(self.machine.ReconfigVM_Task(vim.vm.ConfigSpec(memoryMB=512)))
        with self.assertRaises(vim.fault.InvalidPowerState):
            wait_task(self.machine.UpgradeVM_Task())
        self.assertIn("PowerOnVM_Task", self.machine.disabledMethod)
        self.assertNotIn("PowerOffVM_Task", self.machine.disabledMethod)

    def test_shares_change_at_once(self):
        shares = vim.SharesInfo(level="high", shares=0)
        wait_task(self.machine.ReconfigVM_Task(vim.vm.ConfigSpec(
            cpuAllocation=vim.ResourceAllocationInfo(shares=shares, limit=500))))
        self.assertEqual(500, self.machine.resourceConfig.cpuAllocation.limit)
        self.assertEqual(2000, self.machine.resourceConfig.cpuAllocation.shares.shares)


class Stopped(Case):
    def test_upgrade_of_the_hardware(self):
        machine = self.create(make_spec("old", clone_of=None, nic=False))
        wait_task(machine.UpgradeVM_Task("vmx-20"))
        self.assertEqual("vmx-20", machine.config.version)
        with self.assertRaises(vim.fault.AlreadyUpgraded):
            wait_task(machine.UpgradeVM_Task("vmx-20"))
        with self.assertRaises(vmodl.fault.InvalidArgument):
            wait_task(machine.UpgradeVM_Task("vmx-999"))
        self.assertIn("PowerOffVM_Task", machine.disabledMethod)
        for refused in (machine.StandbyGuest, machine.TerminateVM, machine.SendNMI,
                        machine.AcquireMksTicket):
            with self.assertRaises(vim.fault.InvalidPowerState):
                refused()

    def test_a_file_that_is_sent_is_read(self):
        machine = self.create(make_spec("sent", clone_of=None, nic=False))
        address = "/folder/sent/sent.vmx?dsName=shared"
        text = fetch(address)[2].decode() + 'annotation = "by hand"\n'
        self.assertEqual(200, fetch(address, "PUT", text.encode())[0])
        wait_until(lambda: machine.config.annotation == "by hand", 10, "the file to be read")
        tag = fetch(address)[1]["ETag"]
        part = fetch(address, headers={"Range": "bytes=0-3", "If-Range": tag})
        self.assertEqual((206, 4), (part[0], len(part[2])))
        self.assertEqual(200, fetch(address, headers={"Range": "bytes=0-3", "If-Range": '"x"'})[0])
        self.assertEqual(["[shared] sent/left.txt"], self.unowned(machine))

    def unowned(self, machine):
        self.assertEqual(201, fetch("/folder/sent/left.txt?dsName=shared", "PUT", b"x")[0])
        try:
            return machine.QueryUnownedFiles()
        finally:
            fetch("/folder/sent/left.txt?dsName=shared", "DELETE")

    def test_disks_change_how_they_take_space(self):
        disks = self.host.content.virtualDiskManager
        name = "[shared] refit.vmdk"
        spec = vim.VirtualDiskManager.FileBackedVirtualDiskSpec(
            diskType="thin", adapterType="lsiLogic", capacityKb=4096)
        wait_task(disks.CreateVirtualDisk_Task(name, self.host.datacenter, spec))
        self.addCleanup(lambda: wait_task(disks.DeleteVirtualDisk_Task(name, None)))
        wait_task(disks.ShrinkVirtualDisk_Task(name, None, False))
        wait_task(disks.InflateVirtualDisk_Task(name, None))
        data = os.path.join(SANDBOX.datastore_directory, "refit-flat.raw")
        self.assertGreaterEqual(os.stat(data).st_blocks * 512, 4 << 20)
        with self.assertRaises(vmodl.fault.NotSupported):
            wait_task(disks.ShrinkVirtualDisk_Task(name, None, False))
        wait_task(disks.ZeroFillVirtualDisk_Task(name, None))
        wait_task(disks.ExtendVirtualDisk_Task(name, None, 8192, True))
        self.assertEqual(8 << 20, os.stat(data).st_size)


class Pools(Case):
    def pool(self, parent, name, **cpu):
        return parent.CreateResourcePool(name, pool_spec(**cpu))

    def test_a_tree_of_pools(self):
        gold = self.pool(self.root, "gold", reservation=100, level="high")
        self.addCleanup(self.root.DestroyChildren)
        inner = self.pool(gold, "inner", limit=400)
        self.assertEqual([inner], list(gold.resourcePool))
        self.assertEqual(8000, gold.config.cpuAllocation.shares.shares)
        self.assertEqual(100, self.root.runtime.cpu.reservationUsed)
        self.assertEqual(400, inner.runtime.cpu.maxUsage)
        with self.assertRaises(vim.fault.DuplicateName):
            self.pool(self.root, "gold")
        with self.assertRaises(vim.fault.InsufficientResourcesFault):
            self.pool(self.root, "greedy", reservation=10 ** 7)
        with self.assertRaises(vmodl.fault.InvalidArgument):
            self.root.CreateResourcePool("part", vim.ResourceConfigSpec(
                cpuAllocation=vim.ResourceAllocationInfo(),
                memoryAllocation=vim.ResourceAllocationInfo()))
        with self.assertRaises(vmodl.fault.InvalidArgument):
            inner.MoveIntoResourcePool([gold])
        inner.UpdateConfig("renamed", pool_spec(limit=300))
        self.assertEqual(("renamed", 300), (inner.name, inner.config.cpuAllocation.limit))
        stale = pool_spec(limit=200)
        stale.changeVersion = "0"
        with self.assertRaises(vim.fault.ConcurrentAccess):
            inner.UpdateConfig(None, stale)
        with self.assertRaises(vmodl.fault.NotSupported):
            self.root.UpdateConfig("other", None)

    def test_machines_belong_to_pools(self):
        gold = self.pool(self.root, "home")
        inner = self.pool(gold, "room", limit=600)
        machine = wait_task(gold.CreateChildVM_Task(make_spec("guest", clone_of=None), None))
        self.assertEqual(gold, machine.resourcePool)
        inner.MoveIntoResourcePool([machine])
        self.assertEqual((inner, [machine], []),
                         (machine.resourcePool, list(inner.vm), list(gold.vm)))
        wait_task(machine.PowerOnVM_Task())
        SANDBOX.kill_hostd()
        self.host = connect_when_ready(SANDBOX)
        self.addCleanup(self.host.close)
        machine = self.host.machine("guest")
        self.addCleanup(self.remove, machine)
        self.assertEqual("room", machine.resourcePool.name)
        pool = machine.resourcePool.parent
        wait_task(machine.resourcePool.Destroy_Task())
        self.assertEqual("home", machine.resourcePool.name)
        wait_task(pool.Rename_Task("house"))
        self.host.compute.resourcePool.DestroyChildren()
        self.assertEqual(self.host.compute.resourcePool, machine.resourcePool)

    def test_many_are_powered_on_at_once(self):
        machines = [self.create(make_spec(f"many{i}", clone_of=None, nic=False)) for i in range(2)]
        result = wait_task(self.host.datacenter.PowerOnMultiVM_Task(machines))
        self.assertEqual(machines, [info.vm for info in result.attempted])
        for info in result.attempted:
            wait_task(info.task)
        again = wait_task(self.host.datacenter.PowerOnMultiVM_Task(machines[:1]))
        self.assertEqual(machines[:1], [info.vm for info in again.notAttempted])


if __name__ == "__main__":
    unittest.main()
