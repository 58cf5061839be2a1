"""Our codecs against pyVmomi, which reads what we write and writes what we read.

Needs Debian's python3-pyvmomi and the program vim_codec_probe (DROVER_CODEC_PROBE names it).
"""

import os
import re
import subprocess
import unittest
from xml.etree import ElementTree

from pyVim import connect
from pyVmomi import SoapAdapter, VmomiSupport, vim, vmodl

RELEASE = "6.7.1"  # the newest that pyVmomi 6.7.1 knows
VERSION = "vim.version.version13"
RELEASES = {f"vim.version.version{number}": release for number, release in enumerate(
    ("2.0", "2.5", "2.5u2", "2.5u2server", "4.0", "4.1", "5.0", "5.1", "5.5", "6.0", "6.5", "6.7",
     RELEASE), 1)}
PROBE = os.environ.get("DROVER_CODEC_PROBE") or os.path.join(
    os.path.dirname(__file__), "..", "..", "build", "bin", "vim_codec_probe")

# What ESX serves and clients call though the published API lacks it (api/schema/drover).
UNPUBLISHED = {"VirtualDiskInfo", "VirtualDiskInfoUnit"}


class Probe:
    def __init__(self):
        self.process = subprocess.Popen([PROBE], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def ask_many(self, commands):
        """Asks in batches, of which each fits into a pipe."""
        for start in range(0, len(commands), 200):
            batch = commands[start:start + 200]
            self.process.stdin.write("".join(command + "\n" for command in batch).encode())
            self.process.stdin.flush()
            for _ in batch:
                yield self.process.stdout.read(int(self.process.stdout.readline()))

    def ask(self, command, body=None):
        line = command if body is None else f"{command} {len(body)}"
        self.process.stdin.write(line.encode() + b"\n" + (body or b""))
        self.process.stdin.flush()
        count = int(self.process.stdout.readline())
        return self.process.stdout.read(count)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        if self.process.wait(timeout=30) != 0:
            raise RuntimeError("the probe failed")


class PyVmomi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.probe = Probe()
        cls.addClassCleanup(cls.probe.close)
        cls.names = []  # of the data objects
        cls.unknown = []
        foreign = sorted(UNPUBLISHED)  # to what can be made up here
        cls.faults = set()
        for line in cls.probe.ask(f"types {RELEASE}").decode().splitlines():
            kind, name = line.split()
            if name in UNPUBLISHED:
                continue
            try:
                known = VmomiSupport.GuessWsdlType(name)
            except KeyError:
                cls.unknown.append(name)
                continue
            # pyVmomi shows faults as exceptions and wraps them when it writes them.
            if issubclass(known, Exception) or name == "LocalizedMethodFault":
                foreign.append(name)
                cls.faults.add(name.encode())
            elif kind == "data":
                cls.names.append(name)
        cls.names_read = set(cls.names)
        cls.limits = "limits 1 " + " ".join(foreign)
        cls.stub = SoapAdapter.SoapStubAdapter(host="host.invalid", version=VERSION)

    def read(self, text, result_type=object):
        return SoapAdapter.SoapResponseDeserializer(self.stub).Deserialize(text, result_type)

    def write(self, managed, method, *arguments):
        info = type(managed)._GetMethodInfo(method)
        return self.stub.SerializeRequest(managed, info, arguments)

    def test_a_release_has_no_types_but_its_own(self):
        self.assertEqual([], self.unknown)

    def test_every_type_at_every_release_can_be_read(self):
        """As clients do: with the types and properties of the declared release only."""
        self.probe.ask(self.limits)
        read = 0
        for version, release in RELEASES.items():
            self.assertEqual(VmomiSupport.versionIdMap[version], release)
            stub = SoapAdapter.SoapStubAdapter(host="host.invalid", version=version)
            lines = self.probe.ask(f"types {release}").decode().splitlines()
            names = []
            for kind, name in map(str.split, lines):
                if name in UNPUBLISHED:
                    continue
                known = VmomiSupport.GuessWsdlType(name)
                self.assertTrue(VmomiSupport.IsChildVersion(version, known._version),
                                f"{name} is newer than {release}")
                if kind == "data" and name in self.names_read:
                    names.append(name)
            answers = self.probe.ask_many([f"value {name} {release} {read + i}"
                                           for i, name in enumerate(names)])
            for name, sent in zip(names, answers):
                # pyVmomi reads a fault where one is declared, but not in an anyType.
                if not self.faults.isdisjoint(re.findall(rb'xsi:type="(\w+)"', sent)):
                    continue
                with self.subTest(release=release, type=name):
                    value = SoapAdapter.SoapResponseDeserializer(stub).Deserialize(sent, object)
                    self.assert_known(value, version)
            read += len(names)
        self.assertGreater(read, 8000)

    def test_every_type_comes_back_from_pyvmomi_as_it_was_sent(self):
        """Our encoder -> pyVmomi's reader -> pyVmomi's writer -> our parser."""
        self.assertGreater(len(self.names), 1800)
        self.probe.ask(self.limits)
        compared = 0
        for name in self.names:
            with self.subTest(name):
                compared += self.there_and_back(name, compared)
        self.assertGreater(compared, 1700)

    def test_text_of_any_kind_comes_back(self):
        self.probe.ask(self.limits.replace("limits 1", "limits 0"))
        compared = 0
        for seed in range(100):
            sent = self.probe.ask(f"value LocalizableMessage {RELEASE} {seed}")
            # pyVmomi writes a carriage return bare, which XML reads as a line feed.
            if b"&#13;" not in sent and sent.count(b"xsi:type") == 1:
                compared += self.there_and_back("LocalizableMessage", seed)
        self.assertGreater(compared, 10)

    def there_and_back(self, name, seed):
        sent = self.probe.ask(f"value {name} {RELEASE} {seed}")
        value = self.read(sent)
        self.assertIsInstance(value, VmomiSupport.GuessWsdlType(name))
        option = vim.option.OptionValue(key="k", value=value)
        try:
            request = self.write(vim.option.OptionManager("o", self.stub), "UpdateValues", [option])
        except AttributeError as error:
            # A string that is no method's name where pyVmomi wants one.
            self.assertIn("UncallableManagedMethod", str(error))
            return 0
        answer = self.probe.ask(f"same {name} {RELEASE} {seed}", request).decode()
        self.assertEqual(answer, "same", f"\n{sent.decode()}\n{request.decode()}")
        return 1

    def test_every_result_can_be_read(self):
        self.probe.ask(self.limits)
        seen = 0
        for wsdl_name, info in sorted(wsdl_methods().items()):
            if not VmomiSupport.IsChildVersion(VERSION, info.version):
                continue
            with self.subTest(wsdl_name):
                sent = self.probe.ask(f"result {wsdl_name} {RELEASE} 1")
                if sent == b"unknown method":
                    continue
                result = self.read(sent, info.result)
                if info.result is VmomiSupport.NoneType:
                    self.assertIsNone(result)
            seen += 1
        self.assertGreater(seen, 500)

    def assert_known(self, value, version):
        if isinstance(value, list):
            for each in value:
                self.assert_known(each, version)
        if not isinstance(value, VmomiSupport.DataObject):
            return
        self.assertTrue(VmomiSupport.IsChildVersion(version, type(value)._version), type(value))
        for info in value._GetPropertyList():
            held = getattr(value, info.name)
            if not held:  # pyVmomi gives what was not sent a default
                continue
            self.assertTrue(VmomiSupport.IsChildVersion(version, info.version),
                            f"{type(value)} {info.name}")
            self.assert_known(held, version)

    def test_faults_keep_their_type(self):
        fault = self.read(self.probe.ask(f"fault {RELEASE}"))
        self.assertIsInstance(fault, vmodl.fault.ManagedObjectNotFound)
        self.assertEqual(fault.obj._moId, "vm-9")
        self.assertIn("has already been deleted", fault.msg)

    def test_requests_are_understood(self):
        session = vim.SessionManager("ha-sessionmgr", self.stub)
        request = self.write(session, "Login", "root", "a<b>&\u00e4", None)
        answer = self.probe.ask("parse", request).decode()
        self.assertTrue(answer.startswith("Login|SessionManager|ha-sessionmgr|"), answer)
        self.assertIn('userName: "root"', answer)
        machine = vim.VirtualMachine("vm-1", self.stub)
        disk = vim.vm.device.VirtualDisk(key=-1, capacityInKB=1024, unitNumber=0)
        spec = vim.vm.ConfigSpec(
            name="n", memoryMB=512,
            deviceChange=[vim.vm.device.VirtualDeviceSpec(operation="add", device=disk)],
            extraConfig=[vim.option.OptionValue(key="k", value=True)])
        answer = self.probe.ask("parse", self.write(machine, "Reconfigure", spec)).decode()
        self.assertIn("device: VirtualDisk {", answer)
        self.assertIn("operation: add", answer)
        self.assertIn("value: true", answer)

    def test_service_versions_are_understood(self):
        text = self.probe.ask("versions")
        tree = ElementTree.fromstring(text)
        supported = getattr(connect, "__VersionIsSupported")
        for version in ("vim.version.version2", "vim.version.version5", "vim.version.version10",
                        VERSION, "vim.version.version1"):
            self.assertTrue(supported(version, tree), version)
        VmomiSupport.versionIdMap["test.version"] = "99.0"
        self.addCleanup(VmomiSupport.versionIdMap.pop, "test.version")
        self.assertFalse(supported("test.version", tree))


def wsdl_methods():
    """WSDL names of all methods of vim25 with pyVmomi's description of each."""
    found = {}
    for (namespace, wsdl_name) in list(VmomiSupport._wsdlMethodMap):
        if namespace == "urn:vim25":
            found[wsdl_name] = VmomiSupport.GetWsdlMethod(namespace, wsdl_name).info
    return found


if __name__ == "__main__":
    unittest.main()
