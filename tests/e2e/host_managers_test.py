"""The host's own managers with pyVmomi: options, licenses, logs, services, network, storage."""

import os
import socket
import ssl
import subprocess
import sys
import tarfile
import tempfile
import unittest
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from pyVmomi import vim, vmodl  # noqa: E402

from drover_e2e import (Sandbox, add_disk, connect, connect_when_ready, make_spec,  # noqa: E402
                        wait_task)

OWN_KEY = "00000-00000-00000-00000-00000"
IDLE = "Config.HostAgent.vmacore.soap.sessionTimeout"


class HostManagers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sandbox = Sandbox()
        cls.addClassCleanup(cls.sandbox.close)

    def setUp(self):
        self.api = connect(self.sandbox)
        self.addCleanup(self.api.close)
        self.manager = self.api.host.configManager

    def option(self, key):
        return self.api.content.setting.QueryOptions(key)[0].value

    def set_option(self, key, value):
        self.api.content.setting.UpdateOptions([vim.option.OptionValue(key=key, value=value)])

    def download(self, url, cookie=True):
        request = urllib.request.Request(url)
        if cookie:
            request.add_header("Cookie", self.api.si._stub.cookie.split(";")[0])
        context = ssl._create_unverified_context()
        return urllib.request.urlopen(request, timeout=60, context=context).read()

    def test_options_change_what_the_host_does(self):
        self.assertEqual(30, self.option(IDLE))
        self.set_option(IDLE, 45)
        self.assertEqual(45, self.option(IDLE))
        self.set_option("Annotations.WelcomeMessage", "Mind the <gap>")
        address = self.sandbox.host("host1")["address"]
        page = self.download(f"https://{address}/welcome", cookie=False)
        self.assertIn(b"Mind the &lt;gap&gt;", page)
        shown = {item.key: item.value for item in self.api.host.config.option}
        self.assertEqual(45, shown[IDLE])
        types = {item.key: item.optionType for item in self.api.content.setting.supportedOption}
        self.assertGreaterEqual(len(types), 10)
        self.assertIsInstance(types[IDLE], vim.option.IntOption)
        with self.assertRaises(vim.fault.InvalidName):
            self.api.content.setting.QueryOptions("Config.HostAgent.log.leve")
        with self.assertRaises(vmodl.fault.InvalidArgument) as caught:
            self.set_option("Config.HostAgent.log.level", "loud")
        self.assertEqual("changedValue[0].value", caught.exception.invalidProperty)

    def test_the_license_is_one_that_never_ends(self):
        licenses = self.api.content.licenseManager
        self.assertEqual([OWN_KEY], [item.licenseKey for item in licenses.licenses])
        added = licenses.AddLicense("00000-00000-00000-00000-00001")
        self.assertIn(("diagnostic", "License is not valid for this product"),
                      [(item.key, item.value) for item in added.properties])
        licenses.UpdateLicenseLabel(OWN_KEY, "site", "Berlin")
        self.assertEqual("Berlin", licenses.licenses[0].labels[0].value)
        self.assertTrue(licenses.CheckLicenseFeature(None, "vsmp"))

    def test_logs_and_bundles(self):
        diagnostics = self.api.content.diagnosticManager
        self.assertIn("hostd", [item.key for item in diagnostics.QueryDescriptions()])
        log = diagnostics.BrowseDiagnosticLog(key="hostd")
        self.assertGreater(len(log.lineText), 3)
        end = diagnostics.BrowseDiagnosticLog(key="hostd", start=2**31 - 1)
        self.assertFalse(end.lineText)
        tail = diagnostics.BrowseDiagnosticLog(key="hostd", start=end.lineEnd - 1, lines=2)
        self.assertEqual(2, len(tail.lineText))
        self.assertEqual(end.lineEnd - 1, tail.lineStart)
        with self.assertRaises(vmodl.fault.InvalidArgument):
            diagnostics.BrowseDiagnosticLog(key="enoent")
        url = wait_task(diagnostics.GenerateLogBundles_Task(True, []))[0].url
        with self.assertRaises(urllib.error.HTTPError) as refused:
            self.download(url, cookie=False)
        self.assertEqual(401, refused.exception.code)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "bundle.tgz")
            with open(path, "wb") as file:
                file.write(self.download(url))
            with tarfile.open(path) as bundle:
                names = [name.split("/", 1)[-1] for name in bundle.getnames()]
        for name in ("host.txt", "versions.txt", "log/hostd.log", "kernel/meminfo.txt"):
            self.assertIn(name, names)

    def test_services_and_time(self):
        services = {item.key: item for item in self.manager.serviceSystem.serviceInfo.service}
        self.assertTrue(services["hostd"].running and services["hostd"].required)
        with self.assertRaises(vim.fault.HostConfigFault):
            self.manager.serviceSystem.StopService("hostd")
        with self.assertRaises(vim.fault.NotFound):
            self.manager.serviceSystem.StartService("enoent")
        clock = self.manager.dateTimeSystem
        self.assertTrue(clock.dateTimeInfo.timeZone.key)
        zones = {zone.key for zone in clock.QueryAvailableTimeZones()}
        self.assertIn("Europe/Berlin", zones)
        now = clock.QueryDateTime()
        with self.assertRaises(vim.fault.HostConfigFault):  # all hosts of a sandbox have one clock
            clock.UpdateDateTime(now)
        bad = vim.host.DateTimeConfig(timeZone="Nowhere/Land")
        with self.assertRaises(vmodl.fault.InvalidArgument):
            clock.UpdateDateTimeConfig(bad)

    def port_group(self, name, vlan=0):
        return vim.host.PortGroup.Specification(name=name, vlanId=vlan, vswitchName="vSwitch0",
                                                policy=vim.host.NetworkPolicy())

    def test_port_groups_survive_a_restart(self):
        system = self.manager.networkSystem
        system.AddPortGroup(self.port_group("Lab"))
        with self.assertRaises(vim.fault.AlreadyExists):
            system.AddPortGroup(self.port_group("Lab"))
        with self.assertRaises(vim.fault.HostConfigFault):
            system.AddPortGroup(self.port_group("Tagged", vlan=7))
        system.AddVirtualSwitch("vSwitch1", vim.host.VirtualSwitch.Specification(numPorts=8))
        self.assertIn("vSwitch1", [item.name for item in system.networkInfo.vswitch])
        self.sandbox.kill_hostd()
        again = connect_when_ready(self.sandbox)
        self.addCleanup(again.close)
        system = again.host.configManager.networkSystem
        self.assertIn("Lab", [item.name for item in again.datacenter.network])
        system.RemoveVirtualSwitch("vSwitch1")
        system.RemovePortGroup("Lab")
        self.assertNotIn("Lab", [item.name for item in again.datacenter.network])
        with self.assertRaises(vim.fault.ResourceInUse):
            system.RemovePortGroup("VM Network")

    def test_datastores_are_made_and_removed(self):
        system = self.manager.datastoreSystem
        path = "/run/drover/extra"
        self.sandbox.inside("host1", "install", "-d", "-o", "drover", "-g", "drover",
                            "-m", "2770", path)
        with self.assertRaises(vim.fault.FileNotFound):
            system.CreateLocalDatastore("none", "/run/drover/nothing")
        with self.assertRaises(vim.fault.DuplicateName):
            system.CreateLocalDatastore("shared", path)
        made = system.CreateLocalDatastore("extra", path)
        self.assertTrue(made.summary.accessible)
        self.assertIn(made, list(self.api.host.datastore))
        made.RenameDatastore("extra-2")
        self.assertEqual("extra-2", made.summary.name)
        machine = wait_task(self.api.create(make_spec("on-extra", datastore="extra-2",
                                                     clone_of=None)))
        with self.assertRaises(vim.fault.ResourceInUse):
            system.RemoveDatastore(made)
        wait_task(machine.ReconfigVM_Task(add_disk(0, machine=machine)))
        wait_task(machine.PowerOnVM_Task())
        wait_task(made.Rename_Task("extra-3"))
        self.assertEqual("[extra-3] on-extra/on-extra.vmx", machine.summary.config.vmPathName)
        paths = [item.backing.fileName for item in machine.config.hardware.device
                 if isinstance(item, vim.vm.device.VirtualDisk)]
        self.assertTrue(paths)
        self.assertTrue(all(path.startswith("[extra-3] ") for path in paths), paths)
        self.assertEqual([machine], list(made.vm))
        wait_task(machine.PowerOffVM_Task())
        wait_task(machine.Destroy_Task())
        system.RemoveDatastore(made)
        self.assertNotIn("extra-3", [item.name for item in self.api.host.datastore])
        self.assertFalse(system.QueryAvailableDisksForVmfs(None))

    def test_disks_are_shown(self):
        system = self.manager.storageSystem
        system.RescanAllHba()
        info = system.storageDeviceInfo
        keys = {disk.key for disk in info.scsiLun}
        for adapter in info.scsiTopology.adapter:
            for target in adapter.target:
                self.assertIn(target.lun[0].scsiLun, keys)
        volumes = [item.volume.name for item in system.fileSystemVolumeInfo.mountInfo]
        self.assertIn("shared", volumes)

    def certificate_of(self, address):
        with socket.create_connection((address, 443), timeout=20) as raw:
            with ssl._create_unverified_context().wrap_socket(raw) as tls:
                return ssl.DER_cert_to_PEM_cert(tls.getpeercert(True))

    def test_a_certificate_is_requested_signed_and_installed(self):
        manager = self.manager.certificateManager
        address = self.sandbox.host("host1")["address"]
        self.assertIn("O=drover", manager.certificateInfo.subject)
        with self.assertRaises(vim.fault.HostConfigFault):
            manager.InstallServerCertificate("nonsense")
        with tempfile.TemporaryDirectory() as folder:
            def openssl(*words):
                subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)

            with open(f"{folder}/csr.pem", "w", encoding="ascii") as file:
                file.write(manager.GenerateCertificateSigningRequest(True))
            text = subprocess.run(["openssl", "req", "-noout", "-text", "-verify", "-in",
                                   f"{folder}/csr.pem"], check=True, capture_output=True).stdout
            self.assertIn(f"IP Address:{address}".encode(), text)
            self.assertNotIn(b"DNS:", text)
            openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=test-ca",
                    "-keyout", "ca.key", "-out", "ca.pem", "-days", "30")
            openssl("x509", "-req", "-in", "csr.pem", "-CA", "ca.pem", "-CAkey", "ca.key",
                    "-CAcreateserial", "-out", "new.pem", "-days", "20")
            with open(f"{folder}/new.pem", encoding="ascii") as file:
                pem = file.read()
        manager.InstallServerCertificate(pem)
        self.assertEqual("CN=test-ca", manager.certificateInfo.issuer)
        self.assertEqual("expiringShortly", manager.certificateInfo.status)
        self.assertEqual(pem.split(), self.certificate_of(address).split())
        self.sandbox.kill_hostd()
        connect_when_ready(self.sandbox).close()
        self.assertEqual(pem.split(), self.certificate_of(address).split())

    def test_power_belongs_to_a_computer(self):
        with self.assertRaises(vim.fault.InvalidState):
            wait_task(self.api.host.ShutdownHost_Task(force=False))
        with self.assertRaises(vmodl.fault.NotSupported):
            wait_task(self.api.host.RebootHost_Task(force=True))


if __name__ == "__main__":
    unittest.main()
