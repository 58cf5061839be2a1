#!/usr/bin/python3
"""High availability of three hosts, which beat in an etcd of their own as well as on the datastore:
what either channel bears alone, and what still brings a machine back.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/center_ha_etcd_test.py
"""

import contextlib
import json
import os
import signal
import sys
import time
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from pyVmomi import vim  # noqa: E402

from drover_e2e import Sandbox, connect_when_ready, make_spec, wait_task, wait_until  # noqa: E402
from drover_e2e.availability import Protection, process_of  # noqa: E402
from drover_e2e.cluster import Cluster  # noqa: E402

NAMES = ("host1", "host2", "host3")
# Power lost to machine running elsewhere; the suite's machine may be busy with other things.
LIMIT_S = float(os.environ.get("DROVER_HA_LIMIT_S", "15"))


def setUpModule():
    global SANDBOX, WORLD, DATACENTER, CLUSTER, HA
    SANDBOX = Sandbox(hosts=3, arguments=("--center", "--cpus", "1", "--no-template"))
    try:
        HA = Protection(SANDBOX)
        WORLD = Cluster(SANDBOX)
        DATACENTER, CLUSTER = WORLD.datacenter, WORLD.compute
        WORLD.configure(drsConfig=vim.cluster.DrsConfigInfo(enabled=False))
    except BaseException:
        SANDBOX.close()
        raise


def tearDownModule():
    if os.environ.get("DROVER_E2E_LOGS"):
        for name in NAMES:
            with contextlib.suppress(OSError):
                print(f"--- {name}\n{HA.said(name)[-6000:]}", flush=True)
    SANDBOX.close()


def told(name):
    """The etcd that a host was told of, as the host itself shows it."""
    client = connect_when_ready(SANDBOX, name)
    try:
        text = client.content.setting.QueryOptions("Drover.availability")[0].value
        return json.loads(text or "{}").get("etcd")
    finally:
        client.close()


def domain_state(name, uuid):
    return SANDBOX.inside(name, "virsh", "domstate", uuid, check=False)


def leader():
    """The host whose member leads, by etcd's own client."""
    state = os.path.join(SANDBOX.host_directory("host1"), "hostd")
    addresses = {SANDBOX.host(name)["address"]: name for name in NAMES}
    endpoints = ",".join(f"https://{address}:8182" for address in addresses)
    found = json.loads(SANDBOX.inside(
        "host1", "env", "ETCDCTL_API=3", "etcdctl", "--endpoints", endpoints,
        "--cacert", f"{state}/etcd/authorities.pem", "--cert", f"{state}/tls/certificate.pem",
        "--key", f"{state}/tls/key.pem", "endpoint", "status", "-w", "json"))
    for each in found:
        if each["Status"]["header"]["member_id"] == each["Status"]["leader"]:
            return addresses[each["Endpoint"].split("//")[1].rsplit(":", 1)[0]]
    return None


class EtcdChannel(unittest.TestCase):
    machine = None

    def wait(self, condition, wait_s, what):
        return wait_until(condition, wait_s, what)

    def stays(self, seconds):
        """It runs all that time in the same process on host1, and no host had to join anew."""
        epochs = {name: HA.epoch(name) for name in NAMES}
        uuid = self.machine.config.uuid
        pid = process_of(SANDBOX, "host1", uuid)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.assertEqual("running", domain_state("host1", uuid))
            time.sleep(0.2)
        self.assertEqual(pid, process_of(SANDBOX, "host1", uuid))
        self.assertEqual(epochs, {name: HA.epoch(name) for name in NAMES})

    def test_1_one_tick_and_all_hosts_beat_in_an_etcd_of_their_own(self):
        WORLD.configure(dasConfig=vim.cluster.DasConfigInfo(enabled=True))
        for name in NAMES:
            self.wait(lambda name=name: WORLD.das_state(name) == "connectedToMaster", 60,
                      f"high availability on {name}")
        etcd = self.wait(lambda: told("host1"), 60, "an etcd")
        self.assertEqual({SANDBOX.host(name)["address"] for name in NAMES},
                         {member["address"] for member in etcd["members"]})
        self.assertEqual(3, len(set(etcd["authorities"])))
        for name in NAMES:
            self.wait(lambda name=name: "etcd answers at" in HA.said(name), 60,
                      f"an answer to {name}")
        self.assertIn(leader(), NAMES)
        # A process of the hosts' own user, without rights of its own.
        for pid in SANDBOX.process_ids("etcd"):
            with open(f"/proc/{pid}/status", encoding="ascii") as file:
                status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
            self.assertNotIn("0", status["Uid"].split())
            self.assertEqual(0, int(status["CapEff"], 16))

    def test_2_a_machine_that_is_protected(self):
        cls = type(self)
        cls.machine = wait_task(DATACENTER.vmFolder.CreateVM_Task(
            make_spec("guarded", memory_mb=128), CLUSTER.resourcePool, WORLD.host("host1")))
        wait_task(self.machine.PowerOnVM_Task())
        self.wait(lambda: self.machine.runtime.dasVmProtection.dasProtected, 20, "its protection")

    def test_3_a_host_without_its_datastore_goes_on(self):
        self.stays(2)
        HA.cut_storage("host1")
        try:
            self.stays(12)
        finally:
            HA.mend_storage("host1")
        self.stays(3)

    def test_4_a_leader_that_hangs_stops_nobody(self):
        name = leader()
        pid = SANDBOX.process_ids("etcd", name)[0]
        os.kill(pid, signal.SIGSTOP)
        try:
            self.stays(8)
        finally:
            os.kill(pid, signal.SIGCONT)
        self.wait(leader, 20, "a leader")

    def test_5_members_outlive_agents_and_are_started_when_they_die(self):
        before = SANDBOX.process_ids("etcd", "host2")
        agent = HA.processes("host2")["agent"]
        os.kill(agent, signal.SIGKILL)
        self.wait(lambda: HA.processes("host2").get("agent") not in (None, agent), 20,
                  "another agent")
        time.sleep(3)
        self.assertEqual(before, SANDBOX.process_ids("etcd", "host2"))
        os.kill(before[0], signal.SIGKILL)
        self.wait(lambda: SANDBOX.process_ids("etcd", "host2") not in ([], before), 20,
                  "another member")
        self.stays(3)

    def test_6_its_host_dies_and_it_runs_elsewhere(self):
        uuid = self.machine.config.uuid
        self.wait(lambda: leader() is not None, 20, "a leader")
        pulled = time.monotonic()
        SANDBOX.run("kill", "host1")
        self.wait(lambda: any(process_of(SANDBOX, name, uuid) for name in NAMES[1:]), 90,
                  "the machine elsewhere")
        print(f"started elsewhere after {time.monotonic() - pulled:.1f} s", flush=True)
        self.wait(lambda: any(domain_state(name, uuid) == "running" for name in NAMES[1:]), 30,
                  "that it runs")
        took = time.monotonic() - pulled
        print(f"running after {took:.1f} s", flush=True)
        self.assertLess(took, LIMIT_S)

    def test_7_the_host_comes_back_with_its_member(self):
        SANDBOX.run("start", "host1")
        self.wait(lambda: WORLD.host("host1").runtime.connectionState == "connected", 60, "host1")
        self.wait(lambda: SANDBOX.process_ids("etcd"), 60, "its member")
        self.wait(lambda: WORLD.das_state("host1") == "connectedToMaster", 60,
                  "host1 watches again")

    def test_8_switched_off_no_member_is_left(self):
        WORLD.configure(dasConfig=vim.cluster.DasConfigInfo(enabled=False))
        for name in NAMES:
            self.wait(lambda name=name: not SANDBOX.process_ids("etcd", name), 60,
                      f"the end of the member on {name}")
            directory = os.path.join(SANDBOX.host_directory(name), "hostd", "etcd")
            self.wait(lambda directory=directory: not os.path.exists(directory), 10,
                      f"the end of its data on {name}")


if __name__ == "__main__":
    unittest.main(failfast=True)
