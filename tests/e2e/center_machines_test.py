"""Machines through the center by pyVmomi: hosts' objects under the center's references, operations
forwarded with their tasks, faults, events, files and figures; hosts that die and come back."""

import base64
import socket
import ssl
import sys
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
from pyVmomi import vim, vmodl  # noqa: E402

from drover_e2e import make_spec, wait_task  # noqa: E402
from drover_e2e.center import CenterWorld, close_session  # noqa: E402

WORLD = None
HOSTS = 3
MACHINES = 4


def add_host(folder, host):
    """AddStandaloneHost_Task as clients do it: the thumbprint comes with the first refusal."""
    spec = vim.host.ConnectSpec(hostName=f"{host.address}:{host.port}", userName=host.user,
                                password=host.password, force=False)
    try:
        wait_task(folder.AddStandaloneHost_Task(spec, None, True))
    except vim.fault.SSLVerifyFault as fault:
        spec.sslThumbprint = fault.thumbprint
    return wait_task(folder.AddStandaloneHost_Task(spec, None, True))


def setUpModule():
    global WORLD
    WORLD = CenterWorld(HOSTS, MACHINES, shared_datastore=True)
    try:
        si = WORLD.connect()
        datacenter = si.content.rootFolder.CreateDatacenter("dc")
        for host in WORLD.hosts:
            add_host(datacenter.hostFolder, host)
        close_session(si)
    except BaseException:
        print(WORLD.center.log())
        WORLD.close()
        raise


def tearDownModule():
    WORLD.close()


def wait_until(condition, wait_s=15.0):
    deadline = time.monotonic() + wait_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("this does not come true")
        time.sleep(0.05)


class CenterCase(unittest.TestCase):
    def setUp(self):
        self.si = WORLD.connect()
        self.addCleanup(lambda: close_session(self.si))
        self.content = self.si.RetrieveContent()
        self.datacenter = self.content.rootFolder.childEntity[0]
        self.computes = list(self.datacenter.hostFolder.childEntity)

    def compute(self, index):
        name = str(WORLD.hosts[index].port)
        return next(c for c in self.computes if name in c.name)

    def create(self, name, index=0, datastore="shared", **more):
        spec = make_spec(name, clone_of=None, datastore=datastore, **more)
        machine = wait_task(self.datacenter.vmFolder.CreateVM_Task(
            spec, self.compute(index).resourcePool))
        self.addCleanup(lambda: self.remove(machine))
        return machine

    @staticmethod
    def remove(machine):
        try:
            if machine.runtime.powerState == "poweredOn":
                wait_task(machine.PowerOffVM_Task())
            wait_task(machine.Destroy_Task())
        except vmodl.fault.ManagedObjectNotFound:
            pass

    def machines(self):
        view = self.content.viewManager.CreateContainerView(
            self.content.rootFolder, [vim.VirtualMachine], True)
        try:
            return list(view.view)
        finally:
            view.DestroyView()


class Inventory(CenterCase):
    def test_everything_of_all_hosts_is_there(self):
        machines = self.machines()
        self.assertEqual(len(machines), HOSTS * MACHINES)
        for machine in machines:
            self.assertTrue(machine._moId.startswith("vm-"))
            self.assertEqual(machine.runtime.connectionState, "connected")
            self.assertIn(machine, machine.runtime.host.vm)
            self.assertIn(machine, machine.resourcePool.vm)
            self.assertEqual(machine.parent, self.datacenter.vmFolder)
            self.assertEqual(machine.summary.vm, machine)
            self.assertTrue(machine.config.files.vmPathName)
        for compute in self.computes:
            host = compute.host[0]
            self.assertEqual(host.runtime.connectionState, "connected")
            self.assertEqual(host.summary.host, host)
            self.assertEqual(host.parent, compute)
            self.assertEqual(len(host.vm), MACHINES)
            self.assertIsInstance(host.configManager.networkSystem.networkInfo,
                                  vim.host.NetworkInfo)
            self.assertIsNotNone(compute.environmentBrowser)

    def test_datastores_and_networks_are_merged(self):
        datastores = {d.name: d for d in self.datacenter.datastore}
        self.assertEqual(set(datastores), {"local1", "local2", "local3", "shared"})
        shared = datastores["shared"]
        self.assertEqual({mount.key for mount in shared.host},
                         {compute.host[0] for compute in self.computes})
        self.assertTrue(shared.summary.multipleHostAccess)
        self.assertEqual(shared.summary.datastore, shared)
        self.assertEqual(len(datastores["local1"].host), 1)
        network, = self.datacenter.network
        self.assertEqual(network.name, "VM Network")
        self.assertEqual(len(network.host), HOSTS)
        self.assertEqual(len(network.vm), HOSTS * MACHINES)

    def test_all_properties_can_be_read(self):
        collector = self.content.propertyCollector
        objects = [self.computes[0].host[0], self.machines()[0], self.datacenter.datastore[0],
                   self.datacenter.network[0], self.computes[0].environmentBrowser,
                   self.datacenter.datastore[0].browser]
        for each in objects:
            spec = vmodl.query.PropertyCollector.FilterSpec(
                objectSet=[vmodl.query.PropertyCollector.ObjectSpec(obj=each)],
                propSet=[vmodl.query.PropertyCollector.PropertySpec(type=type(each), all=True)])
            found, = collector.RetrieveContents([spec])
            self.assertFalse(found.missingSet)


class Life(CenterCase):
    def test_create_power_reconfigure_destroy(self):
        machine = self.create("life")
        self.assertEqual(machine.name, "life")
        self.assertEqual(machine.runtime.host, self.compute(0).host[0])
        self.assertIn(machine, self.datacenter.vmFolder.childEntity)
        task = machine.PowerOnVM_Task()
        self.assertIsNone(wait_task(task))
        self.assertEqual(task.info.entity, machine)
        self.assertEqual(task.info.descriptionId, "VirtualMachine.powerOn")
        self.assertEqual(machine.runtime.powerState, "poweredOn")
        with self.assertRaises(vim.fault.InvalidPowerState):
            wait_task(machine.PowerOnVM_Task())
        wait_task(machine.PowerOffVM_Task())
        self.assertEqual(machine.runtime.powerState, "poweredOff")
        wait_task(machine.ReconfigVM_Task(vim.vm.ConfigSpec(numCPUs=2, annotation="hello")))
        self.assertEqual(machine.config.hardware.numCPU, 2)
        self.assertEqual(machine.config.annotation, "hello")
        wait_task(machine.Rename_Task("renamed"))
        self.assertEqual(machine.name, "renamed")
        wait_task(machine.Destroy_Task())
        with self.assertRaises(vmodl.fault.ManagedObjectNotFound):
            machine.name
        self.assertNotIn(machine, self.datacenter.vmFolder.childEntity)

    def test_place_is_the_centers(self):
        folder = self.datacenter.vmFolder.CreateFolder("place")
        self.addCleanup(lambda: wait_task(folder.Destroy_Task()))
        spec = make_spec("placed", clone_of=None)
        machine = wait_task(folder.CreateVM_Task(spec, self.compute(1).resourcePool))
        self.assertEqual(machine.parent, folder)
        with self.assertRaises(vim.fault.DuplicateName):
            wait_task(folder.CreateVM_Task(make_spec("placed", clone_of=None),
                                           self.compute(1).resourcePool))
        wait_task(self.datacenter.vmFolder.MoveIntoFolder_Task([machine]))
        self.assertEqual(machine.parent, self.datacenter.vmFolder)
        wait_task(folder.MoveIntoFolder_Task([machine]))
        WORLD.center.restart()
        self.si = WORLD.connect()
        again = vim.VirtualMachine(machine._moId, self.si._stub)
        self.assertEqual(again.parent._moId, folder._moId)
        wait_until(lambda: again.runtime.connectionState == "connected")
        folder = vim.Folder(folder._moId, self.si._stub)
        wait_task(again.Destroy_Task())

    def test_unregister_and_register_elsewhere(self):
        machine = self.create("nomad")
        path = machine.config.files.vmPathName
        machine.UnregisterVM()
        with self.assertRaises(vmodl.fault.ManagedObjectNotFound):
            machine.name
        machine = wait_task(self.datacenter.vmFolder.RegisterVM_Task(
            path, None, False, self.compute(1).resourcePool, None))
        self.addCleanup(lambda: self.remove(machine))
        self.assertEqual(machine.runtime.host, self.compute(1).host[0])
        machine.MarkAsTemplate()
        self.assertTrue(machine.config.template)
        self.assertIsNone(machine.resourcePool)
        machine.MarkAsVirtualMachine(self.compute(1).resourcePool, None)
        self.assertEqual(machine.resourcePool, self.compute(1).resourcePool)

    def test_several_at_once(self):
        machines = [self.create(f"many{index}", index) for index in range(HOSTS)]
        result = wait_task(self.datacenter.PowerOnMultiVM_Task(machines))
        self.assertEqual(len(result.attempted), HOSTS)
        for attempt in result.attempted:
            wait_task(attempt.task)
        self.assertTrue(all(m.runtime.powerState == "poweredOn" for m in machines))

    def test_references_to_other_hosts_are_refused(self):
        machine = self.create("stranger")
        local = next(d for d in self.datacenter.datastore if d.name == "local2")
        spec = vim.vm.ConfigSpec(deviceChange=[vim.vm.device.VirtualDeviceSpec(
            operation="add", fileOperation="create", device=vim.vm.device.VirtualDisk(
                key=-1, controllerKey=1000, unitNumber=0, capacityInKB=1024,
                backing=vim.vm.device.VirtualDisk.FlatVer2BackingInfo(
                    fileName="", datastore=local, diskMode="persistent")))])
        with self.assertRaises(vmodl.fault.InvalidArgument) as caught:
            wait_task(machine.ReconfigVM_Task(spec))
        self.assertEqual(caught.exception.invalidProperty, "spec")


class Services(CenterCase):
    def test_events_of_hosts_are_told(self):
        machine = self.create("eventful")
        wait_task(machine.PowerOnVM_Task())

        def events():
            spec = vim.event.EventFilterSpec(entity=vim.event.EventFilterSpec.ByEntity(
                entity=machine, recursion="self"))
            return self.content.eventManager.QueryEvents(spec)

        wait_until(lambda: any(isinstance(e, vim.event.VmPoweredOnEvent) for e in events()))
        event = next(e for e in events() if isinstance(e, vim.event.VmPoweredOnEvent))
        self.assertEqual(event.vm.vm, machine)
        self.assertEqual(event.host.host, self.compute(0).host[0])
        self.assertEqual(event.datacenter.datacenter, self.datacenter)
        self.assertEqual(event.userName, "administrator")

    def test_datastores_are_browsed_and_changed(self):
        machine = self.create("files")
        shared = next(d for d in self.datacenter.datastore if d.name == "shared")
        found = wait_task(shared.browser.SearchDatastore_Task("[shared] files", None))
        self.assertEqual(found.datastore, shared)
        self.assertIn("files.vmx", [file.path for file in found.file])
        files = self.content.fileManager
        files.MakeDirectory("[shared] made/deep", self.datacenter, True)
        wait_task(files.DeleteDatastoreFile_Task("[shared] made", self.datacenter))
        with self.assertRaises(vmodl.fault.InvalidArgument):
            wait_task(files.DeleteDatastoreFile_Task("[shared] made", None))
        with self.assertRaises(vim.fault.FileNotFound):
            wait_task(files.DeleteDatastoreFile_Task("[shared] made", self.datacenter))
        self.assertIsNotNone(machine.config)

    def test_a_shared_datastore_has_one_name_on_all_hosts(self):
        shared = next(d for d in self.datacenter.datastore if d.name == "shared")
        machines = [self.create(f"named{index}", index) for index in range(2)]
        wait_task(machines[0].PowerOnVM_Task())
        with self.assertRaises(vim.fault.DuplicateName):
            wait_task(shared.Rename_Task("local2"))
        with self.assertRaises(vim.fault.InvalidName):
            shared.RenameDatastore("a[b]")
        self.assertEqual(shared.name, "shared")
        wait_task(shared.Rename_Task("common"))
        try:
            self.assertEqual(shared.summary.name, "common")
            for machine in machines:
                self.assertEqual(machine.config.files.vmPathName,
                                 f"[common] {machine.name}/{machine.name}.vmx")
            for host in WORLD.hosts[:2]:
                host.kill()
            wait_until(lambda: all(machine.runtime.connectionState == "disconnected"
                                   for machine in machines))
            for host in WORLD.hosts[:2]:
                host.start()
            wait_until(lambda: all(machine.runtime.connectionState == "connected"
                                   for machine in machines), 30)
            for machine in machines:
                self.assertEqual(machine.config.files.vmPathName,
                                 f"[common] {machine.name}/{machine.name}.vmx")
        finally:
            shared.RenameDatastore("shared")
        wait_task(machines[0].ReconfigVM_Task(vim.vm.ConfigSpec(annotation="still usable")))

    def http(self, method, path, data=None, datastore="shared", content_range=None):
        query = urllib.parse.urlencode({"dcPath": "dc", "dsName": datastore})
        url = f"https://{WORLD.center.address}:{WORLD.center.port}/folder/{path}?{query}"
        request = urllib.request.Request(url, data=data, method=method)
        secret = f"{WORLD.center.user}:{WORLD.center.password}".encode()
        request.add_header("Authorization", "Basic " + base64.b64encode(secret).decode())
        if content_range is not None:
            request.add_header("Content-Range", content_range)
        return urllib.request.urlopen(request, timeout=60,
                                      context=ssl._create_unverified_context())

    def test_files_go_up_and_down(self):
        body = bytes(range(256)) * 8192
        with self.http("PUT", "up/load%20ed.bin", body) as answer:
            self.assertEqual(answer.status, 201)
        self.addCleanup(lambda: wait_task(self.content.fileManager.DeleteDatastoreFile_Task(
            "[shared] up", self.datacenter)))
        with self.http("GET", "up/load%20ed.bin") as answer:
            self.assertEqual(answer.read(), body)
        with self.http("HEAD", "up/load%20ed.bin") as answer:
            self.assertEqual(answer.headers["Content-Length"], str(len(body)))
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.http("GET", "up/none.bin")
        self.assertEqual(caught.exception.code, 404)
        caught.exception.close()

    def begin_upload(self, path, body, sent_bytes):
        """Sends only a part of what it announces. The connection."""
        head = (f"PUT /folder/{path}?dcPath=dc&dsName=shared HTTP/1.1\r\nHost: center\r\n"
                f"Content-Length: {len(body)}\r\n"
                f"Content-Range: bytes 0-{len(body) - 1}/{len(body)}\r\nAuthorization: Basic ")
        secret = base64.b64encode(f"{WORLD.center.user}:{WORLD.center.password}".encode())
        plain = socket.create_connection((WORLD.center.address, WORLD.center.port), 30)
        connection = ssl._create_unverified_context().wrap_socket(plain)
        connection.sendall(head.encode() + secret + b"\r\n\r\n" + body[:sent_bytes])
        return connection

    def test_an_upload_that_broke_goes_on(self):
        body = bytes(range(256)) * 40_000
        path = "broken/up.bin"

        def arrived():
            with self.http("PUT", path, b"", content_range=f"bytes */{len(body)}") as answer:
                self.assertEqual(202, answer.status)
                return int((answer.headers["Range"] or "bytes=0--1")[len("bytes=0-"):]) + 1

        with self.begin_upload(path, body, 6_000_000):
            wait_until(lambda: arrived() >= 5_000_000)
        begin = arrived()
        self.assertLessEqual(begin, 6_000_000)
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.http("GET", path)
        self.assertEqual(404, caught.exception.code, "it appears as a whole")
        caught.exception.close()
        rest = f"bytes {begin}-{len(body) - 1}/{len(body)}"
        with self.http("PUT", path, body[begin:], content_range=rest) as answer:
            self.assertEqual(201, answer.status)
        self.addCleanup(lambda: wait_task(self.content.fileManager.DeleteDatastoreFile_Task(
            "[shared] broken", self.datacenter)))
        with self.http("GET", path) as answer:
            self.assertEqual(body, answer.read())

    def test_figures_of_several_hosts_in_one_question(self):
        manager = self.content.perfManager
        self.assertTrue(manager.perfCounter)
        hosts = [compute.host[0] for compute in self.computes]
        summary = manager.QueryPerfProviderSummary(hosts[0])
        self.assertEqual(summary.entity, hosts[0])
        self.assertEqual(summary.refreshRate, 20)
        wait_until(lambda: manager.QueryAvailablePerfMetric(hosts[0], None, None, 20), 30)
        specs = [vim.PerformanceManager.QuerySpec(entity=entity, intervalId=20, maxSample=1)
                 for entity in [hosts[2], hosts[0], hosts[1], hosts[0]]]
        found = manager.QueryPerf(specs)
        self.assertEqual([each.entity for each in found], [spec.entity for spec in specs])

    def test_counters_of_the_center_itself_stand_beside_those_of_the_hosts(self):
        manager = self.content.perfManager
        wait_until(lambda: manager.perfCounter)
        by_name = {f"{each.groupInfo.key}.{each.nameInfo.key}.{each.rollupType}": each.key
                   for each in manager.perfCounter}
        score = by_name["clusterServices.clusterDrsScore.latest"]
        usage = by_name["cpu.usage.average"]
        self.assertEqual([usage, score],
                         [each.key for each in manager.QueryPerfCounter([score, usage])])
        self.assertIn(score, [each.key for each in manager.QueryPerfCounterByLevel(1)])
        with self.assertRaises(vmodl.fault.InvalidArgument):
            manager.QueryPerfCounter([score, 999999])

    def test_environment_and_managers_of_a_host(self):
        compute = self.computes[0]
        options = compute.environmentBrowser.QueryConfigOption(None, None)
        self.assertTrue(options.version)
        host = compute.host[0]
        self.assertTrue(host.configManager.networkSystem.networkInfo.dnsConfig.hostName)
        settings = host.configManager.advancedOption.QueryOptions("Annotations.WelcomeMessage")
        self.assertEqual(settings[0].key, "Annotations.WelcomeMessage")


class Loss(CenterCase):
    def test_a_host_dies_and_comes_back(self):
        compute = self.compute(2)
        host = compute.host[0]
        machine = self.create("survivor", 2)
        WORLD.hosts[2].kill()
        wait_until(lambda: host.runtime.connectionState == "notResponding")
        wait_until(lambda: machine.runtime.connectionState == "disconnected")
        self.assertEqual(machine.name, "survivor")
        with self.assertRaises(vmodl.fault.HostNotConnected):
            wait_task(machine.PowerOnVM_Task())
        shared = next(d for d in self.datacenter.datastore if d.name == "shared")
        with self.assertRaises(vmodl.fault.HostNotConnected):
            wait_task(shared.Rename_Task("common"))
        self.assertEqual(shared.name, "shared")
        WORLD.hosts[2].start()
        wait_until(lambda: host.runtime.connectionState == "connected", 30)
        wait_until(lambda: machine.runtime.connectionState == "connected")
        wait_task(machine.PowerOnVM_Task())

    def test_the_center_dies_and_comes_back(self):
        before = {machine._moId: machine.name for machine in self.machines()}
        WORLD.center.restart()
        self.si = WORLD.connect()
        self.content = self.si.RetrieveContent()
        wait_until(lambda: all(m.runtime.connectionState == "connected"
                               for m in self.machines()))
        self.assertEqual({machine._moId: machine.name for machine in self.machines()}, before)


if __name__ == "__main__":
    unittest.main()
