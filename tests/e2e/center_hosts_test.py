"""Hosts of a center by pyVmomi: adding with the thumbprint's check, losing, disconnecting, moving
and removing them; what the center leaves on a host; and all of it over kill -9."""

import hashlib
import signal
import ssl
import sys
import time
import unittest

sys.dont_write_bytecode = True
from pyVmomi import vim, vmodl  # noqa: E402

from drover_e2e import wait_task  # noqa: E402
from drover_e2e.center import CenterWorld, close_session  # noqa: E402

WORLD = None
STATE = vim.HostSystem.ConnectionState


def setUpModule():
    global WORLD
    WORLD = CenterWorld(hosts=2, machines=2)


def tearDownModule():
    WORLD.close()


def thumbprint(host, kind="sha1"):
    pem = ssl.get_server_certificate((host.address, host.port))
    digest = hashlib.new(kind, ssl.PEM_cert_to_DER_cert(pem)).hexdigest().upper()
    return ":".join(digest[i:i + 2] for i in range(0, len(digest), 2))


def connect_spec(host, **changes):
    spec = vim.host.ConnectSpec(
        hostName=f"{host.address}:{host.port}", userName=host.user, password=host.password,
        sslThumbprint=thumbprint(host), force=False)
    for name, value in changes.items():
        setattr(spec, name, value)
    return spec


class CenterHosts(unittest.TestCase):
    def setUp(self):
        self.si = WORLD.connect()
        self.addCleanup(lambda: close_session(self.si))
        self.root = self.si.content.rootFolder
        self.datacenter = self.root.CreateDatacenter(f"dc {time.monotonic_ns()}")
        self.addCleanup(self.remove_all)

    def remove_all(self):
        self.again()
        for host in WORLD.hosts:
            host.signal(signal.SIGCONT)
        wait_task(self.the(self.datacenter).Destroy_Task())

    def again(self, restart=False):
        if restart:
            WORLD.center.restart()
        close_session(self.si)
        self.si = WORLD.connect()

    def the(self, reference):
        return type(reference)(reference._moId, self.si._stub)

    def cluster(self, name="cluster"):
        return self.datacenter.hostFolder.CreateClusterEx(name, vim.cluster.ConfigSpecEx())

    def add(self, host, to=None, **changes):
        """Returns the HostSystem."""
        spec = connect_spec(host, **changes)
        if to is not None:
            return wait_task(to.AddHost_Task(spec, True))
        compute = wait_task(self.datacenter.hostFolder.AddStandaloneHost_Task(
            spec, None, True))
        self.assertEqual([h.name for h in compute.host], [compute.name])
        return compute.host[0]

    def refused(self, fault, start):
        with self.assertRaises(fault) as caught:
            wait_task(start)
        return caught.exception

    def wait_state(self, host, state, limit_s):
        began = time.monotonic()
        while host.runtime.connectionState != state:
            self.assertLess(time.monotonic() - began, limit_s, f"never {state}")
            time.sleep(0.05)
        return time.monotonic() - began

    def accounts(self, host):
        """The accounts that centers made on a host, as the host says itself."""
        own = host.connect()
        try:
            found = own.content.userDirectory.RetrieveUserGroups(
                None, "drover-center-", None, None, False, True, False)
            return [entry.principal for entry in found], \
                own.content.rootFolder.childEntity[0].hostFolder.childEntity[0].host[0] \
                .summary.managementServerIp
        finally:
            close_session(own)

    def events(self, *kinds):
        spec = vim.event.EventFilterSpec(eventTypeId=[f"vim.event.{kind}" for kind in kinds])
        return self.si.content.eventManager.QueryEvents(spec)

    def test_the_thumbprint_is_asked_for_first(self):
        host = WORLD.hosts[0]
        for wrong in (None, "AB:" * 19 + "CD"):
            start = self.datacenter.hostFolder.AddStandaloneHost_Task(
                connect_spec(host, sslThumbprint=wrong), None, True)
            fault = self.refused(vim.fault.SSLVerifyFault, start)
            self.assertEqual(fault.thumbprint, thumbprint(host))
        with self.assertRaises(vim.fault.SSLVerifyFault):
            self.datacenter.QueryConnectionInfo(host.address, host.port, host.user, host.password)
        info = self.datacenter.QueryConnectionInfo(host.address, host.port, host.user,
                                                   host.password, thumbprint(host))
        self.assertEqual(len(info.vm), 2)
        self.assertEqual(info.host.config.product.apiType, "HostAgent")
        added = self.add(host, sslThumbprint=thumbprint(host, "sha256"))
        self.assertEqual(added.runtime.connectionState, STATE.connected)
        self.assertEqual(added.name, f"{host.address}:{host.port}")
        self.assertEqual(len(added.vm), 2)
        self.assertTrue(added.hardware.systemInfo.uuid)
        accounts, manager = self.accounts(host)
        self.assertEqual(len(accounts), 1)
        self.assertEqual(manager, "127.0.0.1")
        again = self.datacenter.hostFolder.AddStandaloneHost_Task(connect_spec(host), None, True)
        self.refused(vim.fault.AlreadyConnected, again)
        self.assertEqual(len(self.accounts(host)[0]), 1)
        self.assertTrue(self.events("HostAddedEvent"))

        compute = added.parent
        wait_task(added.Destroy_Task())
        self.assertEqual(list(self.datacenter.hostFolder.childEntity), [])
        with self.assertRaises(vmodl.fault.ManagedObjectNotFound):
            compute.name  # pylint: disable=pointless-statement
        self.assertEqual(self.accounts(host), ([], ""))
        self.assertTrue(self.events("HostRemovedEvent"))

    def test_what_is_refused_leaves_nothing(self):
        host, cluster = WORLD.hosts[0], self.cluster()
        self.refused(vim.fault.InvalidLogin,
                     cluster.AddHost_Task(connect_spec(host, password="guess"), True))
        self.refused(vim.fault.NoHost, cluster.AddHost_Task(
            connect_spec(host, hostName="127.0.0.1:1"), True))
        self.refused(vmodl.fault.InvalidArgument, cluster.AddHost_Task(
            connect_spec(host, hostName="not a host"), True))
        center = WORLD.center
        self.refused(vim.fault.HostConnectFault, cluster.AddHost_Task(vim.host.ConnectSpec(
            hostName=f"127.0.0.1:{center.port}", userName=center.user, password=center.password,
            sslThumbprint=thumbprint(center), force=False), True))
        self.assertEqual(list(cluster.host), [])
        self.assertEqual(self.accounts(host), ([], ""))
        self.assertTrue(self.events("HostAddFailedEvent"))

    def test_a_host_of_another_center_needs_force(self):
        host, cluster = WORLD.hosts[1], self.cluster()
        own = host.connect()
        own.content.setting.UpdateOptions([vim.option.OptionValue(
            key="Drover.managementServerIp", value="192.0.2.9")])
        fault = self.refused(vim.fault.AlreadyBeingManaged,
                             cluster.AddHost_Task(connect_spec(host), True))
        self.assertEqual(fault.ipAddress, "192.0.2.9")
        close_session(own)
        added = self.add(host, cluster, force=True)
        self.assertEqual(added.summary.managementServerIp, "127.0.0.1")

    def test_silence_and_return(self):
        host = WORLD.hosts[0]
        added = self.add(host, self.cluster())
        host.signal(signal.SIGSTOP)
        self.assertLess(self.wait_state(added, STATE.notResponding, 5), 3.3)
        self.assertEqual(added.summary.runtime.connectionState, STATE.notResponding)
        machine = added.vm[0]
        with self.assertRaises((vim.fault.HostConnectFault, vmodl.fault.HostNotConnected,
                                vmodl.fault.HostCommunication, vim.fault.InvalidState)):
            wait_task(machine.PowerOffVM_Task() if machine.runtime.powerState == "poweredOn"
                      else machine.PowerOnVM_Task())
        host.signal(signal.SIGCONT)
        self.assertLess(self.wait_state(added, STATE.connected, 5), 3)
        self.assertTrue(self.events("HostConnectionLostEvent"))
        host.restart()
        self.wait_state(added, STATE.connected, 15)

    def test_disconnect_and_reconnect(self):
        host = WORLD.hosts[0]
        added = self.add(host, self.cluster())
        wait_task(added.DisconnectHost_Task())
        self.assertEqual(added.runtime.connectionState, STATE.disconnected)
        self.again(restart=True)
        added = self.the(added)
        time.sleep(1)
        self.assertEqual(added.runtime.connectionState, STATE.disconnected)
        self.assertEqual(added.summary.hardware.numCpuCores > 0, True)
        self.refused(vim.fault.SSLVerifyFault, added.ReconnectHost_Task(
            connect_spec(host, sslThumbprint="AA:" * 19 + "AA")))
        self.refused(vim.fault.InvalidLogin,
                     added.ReconnectHost_Task(connect_spec(host, password="guess")))
        wait_task(added.ReconnectHost_Task())
        self.assertEqual(added.runtime.connectionState, STATE.connected)
        self.refused(vim.fault.InvalidState, added.ReconnectHost_Task())
        wait_task(added.DisconnectHost_Task())
        wait_task(added.ReconnectHost_Task(connect_spec(host)))
        self.assertEqual(added.runtime.connectionState, STATE.connected)
        self.assertEqual(len(self.accounts(host)[0]), 1)

    def test_references_stay_over_kill_9_and_moves(self):
        first, second = WORLD.hosts
        alone = self.add(first)
        cluster = self.cluster()
        other = self.add(second, cluster)
        machines = sorted(vm._moId for vm in alone.vm)
        self.again(restart=True)
        alone, other, cluster = self.the(alone), self.the(other), self.the(cluster)
        self.wait_state(alone, STATE.connected, 10)
        self.wait_state(other, STATE.connected, 10)
        self.assertEqual(sorted(vm._moId for vm in alone.vm), machines)

        compute = alone.parent
        wait_task(cluster.MoveInto_Task([alone]))
        self.assertEqual(sorted(h._moId for h in cluster.host), sorted([alone._moId, other._moId]))
        self.assertEqual(alone.parent._moId, cluster._moId)
        with self.assertRaises(vmodl.fault.ManagedObjectNotFound):
            compute.name  # pylint: disable=pointless-statement
        self.again(restart=True)
        alone, cluster = self.the(alone), self.the(cluster)
        self.assertEqual(alone.parent._moId, cluster._moId)
        self.wait_state(alone, STATE.connected, 10)
        self.assertEqual(sorted(vm._moId for vm in alone.vm), machines)
        another = self.the(self.datacenter).hostFolder.CreateClusterEx(
            "another", vim.cluster.ConfigSpecEx())
        self.refused(vim.fault.InvalidState, another.MoveInto_Task([alone]))


if __name__ == "__main__":
    unittest.main()
