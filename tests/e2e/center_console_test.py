#!/usr/bin/python3
"""Consoles through a center: its own tickets, good once and for a short while; the screen's
protocol and a serial port's bytes through its WebSocket; pictures; a machine that leaves while it
is looked at.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/center_console_test.py
"""

import base64
import hashlib
import os
import signal
import ssl
import sys
import threading
import time
import unittest
import urllib.error
import urllib.request

sys.dont_write_bytecode = True

from pyVim.connect import Disconnect, SmartConnect  # noqa: E402
from pyVmomi import vim, vmodl  # noqa: E402

from drover_e2e import Sandbox, make_spec, wait_task, wait_until  # noqa: E402
from drover_e2e.websocket import Refused, WebSocket, rfb_handshake  # noqa: E402

TICKET_LIFE_S = 30
_DEVICE = vim.vm.device


def setUpModule():
    global SANDBOX, ENTRY, SI, CLUSTER, DATACENTER, MACHINE, OLD_TICKET, OLD_TICKET_TIME
    SANDBOX = Sandbox(hosts=2, arguments=("--center", "--cpus", "1", "--no-template"))
    try:
        ENTRY = SANDBOX.status["center"]
        SI = connect_center()
        DATACENTER = SI.content.rootFolder.childEntity[0]
        CLUSTER = DATACENTER.hostFolder.childEntity[0]
        spec = make_spec("looked-at", memory_mb=128)
        port = _DEVICE.VirtualSerialPort(
            key=-7, yieldOnPoll=True,
            backing=_DEVICE.VirtualSerialPort.PipeBackingInfo(
                pipeName="console", endpoint="server", noRxLoss=True),
            connectable=_DEVICE.VirtualDevice.ConnectInfo(
                startConnected=True, connected=True, allowGuestControl=True))
        spec.deviceChange.append(_DEVICE.VirtualDeviceSpec(operation="add", device=port))
        MACHINE = wait_task(DATACENTER.vmFolder.CreateVM_Task(
            spec, CLUSTER.resourcePool, host("host1")))
        wait_task(MACHINE.PowerOnVM_Task())
        OLD_TICKET = MACHINE.AcquireTicket("webmks").ticket
        OLD_TICKET_TIME = time.monotonic()
    except BaseException:
        SANDBOX.close()
        raise


def tearDownModule():
    SANDBOX.close()


def connect_center():
    return SmartConnect(host=ENTRY["address"], user=ENTRY["username"], pwd=ENTRY["password"],
                        sslContext=ssl._create_unverified_context())


def host(name):
    address = SANDBOX.host(name)["address"]
    return next(item for item in CLUSTER.host if item.name == address)


def open_console(ticket):
    return WebSocket(ENTRY["address"], f"/ticket/{ticket}")


def fetch(path):
    login = base64.b64encode(f"{ENTRY['username']}:{ENTRY['password']}".encode()).decode()
    request = urllib.request.Request(f"https://{ENTRY['address']}{path}",
                                     headers={"Authorization": f"Basic {login}"})
    with urllib.request.urlopen(request, timeout=30,
                                context=ssl._create_unverified_context()) as answer:
        return answer.read()


class Consoles(unittest.TestCase):
    def test_1_a_ticket_is_the_centers_and_opens_once(self):
        ticket = MACHINE.AcquireTicket("webmks")
        self.assertEqual((ENTRY["address"], 443), (ticket.host, ticket.port))
        self.assertEqual("[shared] looked-at/looked-at.vmx", ticket.cfgFile)
        certificate = ssl.get_server_certificate((ENTRY["address"], 443))
        der = ssl.PEM_cert_to_DER_cert(certificate)
        digest = hashlib.sha1(der).hexdigest().upper()
        self.assertEqual(":".join(digest[i:i + 2] for i in range(0, 40, 2)), ticket.sslThumbprint)
        with open_console(ticket.ticket) as console:
            self.assertEqual("binary", console.headers["sec-websocket-protocol"])
            width, height = rfb_handshake(console)
            self.assertGreater(width * height, 0)
        with self.assertRaises(Refused) as again:
            open_console(ticket.ticket)
        self.assertEqual(403, again.exception.status)
        mks = MACHINE.AcquireMksTicket()
        self.assertEqual(ENTRY["address"], mks.host)
        with open_console(mks.ticket) as console:
            rfb_handshake(console)

    def test_2_what_gets_no_ticket(self):
        with self.assertRaises(vmodl.fault.InvalidArgument) as wrong:
            MACHINE.AcquireTicket("webTelex")
        self.assertEqual("ticketType", wrong.exception.invalidProperty)
        with self.assertRaises(vim.fault.InvalidState):
            MACHINE.AcquireTicket("serial3")
        with self.assertRaises(Refused) as unknown:
            open_console("0" * 40)
        self.assertEqual(403, unknown.exception.status)
        with self.assertRaises(urllib.error.HTTPError) as plain:
            fetch("/ticket/x")
        self.assertEqual(426, plain.exception.code)
        plain.exception.close()

    def test_3_tickets_go_with_their_session(self):
        other = connect_center()
        machine = vim.VirtualMachine(MACHINE._moId, other._stub)
        ticket = machine.AcquireTicket("webmks").ticket
        Disconnect(other)
        with self.assertRaises(Refused):
            open_console(ticket)

    def test_4_a_serial_port(self):
        # The guest tells the seconds there, and has a shell.
        with open_console(MACHINE.AcquireTicket("serial").ticket) as console:
            heard = b""
            deadline = time.monotonic() + 120
            while b"tick" not in heard:
                self.assertLess(time.monotonic(), deadline, heard)
                heard += console.read_exactly(1)
            console.send(b"echo $((41 + 1))-answers\n")
            while b"42-answers" not in heard:
                self.assertLess(time.monotonic(), deadline, heard)
                heard += console.read_exactly(1)
        # Another may open it after that one.
        with open_console(MACHINE.AcquireTicket("serial0").ticket) as console:
            self.assertTrue(console.read())

    def test_5_pictures(self):
        self.assertTrue(fetch(f"/screen?id={MACHINE._moId}").startswith(b"\x89PNG"))
        path = wait_task(MACHINE.CreateScreenshot_Task())
        self.assertRegex(path, r"^\[shared\] looked-at/looked-at-\d+\.png$")
        name = path.split("] ")[1]
        dc_path = urllib.request.quote(DATACENTER.name)
        picture = fetch(f"/folder/{name}?dcPath={dc_path}&dsName=shared")
        self.assertTrue(picture.startswith(b"\x89PNG"))

    def test_6_a_machine_that_leaves_ends_its_console(self):
        with open_console(MACHINE.AcquireTicket("webmks").ticket) as console:
            rfb_handshake(console)
            unused = MACHINE.AcquireTicket("webmks").ticket
            wait_task(MACHINE.MigrateVM_Task(None, host("host2"), "defaultPriority"))
            while console.read():
                pass
            self.assertEqual(1000, console.closed)
        with self.assertRaises(Refused) as elsewhere:
            open_console(unused)
        self.assertEqual(403, elsewhere.exception.status)
        with open_console(MACHINE.AcquireTicket("webmks").ticket) as console:
            rfb_handshake(console)
        with open_console(MACHINE.AcquireTicket("serial").ticket) as console:
            self.assertTrue(console.read())

    def test_7_a_silent_host_ends_its_consoles(self):
        with open_console(MACHINE.AcquireTicket("webmks").ticket) as console:
            rfb_handshake(console)
            pid = SANDBOX.process_ids("drover-hostd", "host2")[0]
            os.kill(pid, signal.SIGSTOP)
            try:
                while console.read():
                    pass
                self.assertEqual(1001, console.closed)
            finally:
                os.kill(pid, signal.SIGCONT)
        wait_until(lambda: host("host2").runtime.connectionState == "connected", 10, "its return")

    def test_8_many_consoles_at_once(self):
        failures = []

        def look():
            try:
                with open_console(MACHINE.AcquireTicket("webmks").ticket) as console:
                    rfb_handshake(console)
            except Exception as error:  # noqa: BLE001 - told below
                failures.append(error)

        threads = [threading.Thread(target=look) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], failures)

    def test_9_an_old_ticket_opens_nothing(self):
        time.sleep(max(0.0, OLD_TICKET_TIME + TICKET_LIFE_S + 1 - time.monotonic()))
        with self.assertRaises(Refused) as late:
            open_console(OLD_TICKET)
        self.assertEqual(403, late.exception.status)
        wait_task(MACHINE.PowerOffVM_Task())
        with self.assertRaises(vim.fault.InvalidPowerState):
            MACHINE.AcquireTicket("webmks")


if __name__ == "__main__":
    unittest.main(verbosity=2)
