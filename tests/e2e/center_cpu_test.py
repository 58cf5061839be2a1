#!/usr/bin/python3
"""CPU compatibility on a sandbox whose second host lacks three features for real: machines that
have seen them are refused by name, the cluster's baseline keeps others from seeing them, and the
host is refused where an EVC mode promises them.

    DROVER_BIN_DIR=build/bin /usr/bin/python3 tests/e2e/center_cpu_test.py
"""

import re
import ssl
import sys
import unittest

sys.dont_write_bytecode = True
from pyVim.connect import Disconnect, SmartConnect  # noqa: E402
from pyVmomi import vim  # noqa: E402

from drover_e2e import Sandbox, make_spec, wait_task, wait_until  # noqa: E402

LACKING = ("avx2", "cx16", "fma")
KEYS = {"cpuid.AVX2", "cpuid.CMPXCHG16B", "cpuid.FMA"}
WORDS = ", ".join(LACKING)
SANDBOX = None


def setUpModule():
    global SANDBOX
    SANDBOX = Sandbox(hosts=2, arguments=("--center", "--cpus", "1", "--no-template",
                                          "--cpu-less", "2=" + ",".join(LACKING)))


def tearDownModule():
    SANDBOX.close()


def keys_of(list_):
    return {item.key for item in list_ or ()}


def error_of(task):
    """The fault that a task ends with."""
    try:
        wait_task(task)
    except vim.fault.VimFault as fault:
        return fault
    except vim.fault.MigrationFault as fault:
        return fault
    raise AssertionError("the task succeeded")


class CpuCompatibility(unittest.TestCase):
    """One story, in the order of the methods' numbers."""

    @classmethod
    def setUpClass(cls):
        entry = SANDBOX.status["center"]
        cls.si = SmartConnect(host=entry["address"], user=entry["username"],
                              pwd=entry["password"],
                              sslContext=ssl._create_unverified_context())
        cls.content = cls.si.content
        cls.datacenter = cls.content.rootFolder.childEntity[0]
        cls.cluster = cls.datacenter.hostFolder.childEntity[0]
        cls.full, cls.less = sorted(cls.cluster.host, key=lambda host: host.name)
        cls.checker = cls.content.vmProvisioningChecker

    @classmethod
    def tearDownClass(cls):
        Disconnect(cls.si)

    def create(self, name, **more):
        spec = make_spec(name, clone_of=None, memory_mb=64)
        for key, value in more.items():
            setattr(spec, key, value)
        return wait_task(self.datacenter.vmFolder.CreateVM_Task(
            spec, self.cluster.resourcePool, self.full))

    @staticmethod
    def connect_spec():
        entry = SANDBOX.host("host2")
        return vim.host.ConnectSpec(hostName=entry["address"], userName=entry["username"],
                                    password=entry["password"],
                                    sslThumbprint=entry["thumbprint"], force=True)

    def findings(self, machine, host):
        result = wait_task(self.checker.QueryVMotionCompatibilityEx_Task([machine], [host]))
        return result[0].error

    def masked(self, host):
        return keys_of(host.config.maskedFeatureCapability)

    def test_1_hosts_tell_what_they_have(self):
        self.assertLessEqual(KEYS | {"cpuid.SSE2"}, keys_of(self.full.config.featureCapability))
        self.assertFalse(KEYS & keys_of(self.less.config.featureCapability))
        self.assertTrue(self.full.summary.maxEVCModeKey)
        modes = {mode.key for mode in self.si.capability.supportedEVCMode}
        self.assertIn(self.full.summary.maxEVCModeKey, modes)
        # Both are in the cluster: machines see what both have.
        wait_until(lambda: not KEYS & self.masked(self.full), 20, "baseline of two hosts")

    def test_2_a_joining_host_lowers_the_baseline_and_says_so_before(self):
        wait_task(self.less.EnterMaintenanceMode_Task(0))
        wait_task(self.less.Destroy_Task())
        wait_until(lambda: self.masked(self.full) >= KEYS, 20, "baseline of one host")
        cls = type(self)
        cls.machine = self.create("seen")
        wait_task(cls.machine.PowerOnVM_Task())
        wait_until(lambda: keys_of(cls.machine.runtime.featureRequirement) >= KEYS, 10,
                   "requirements")
        self.assertTrue(cls.machine.runtime.minRequiredEVCModeKey)
        spec = self.connect_spec()
        evc = self.cluster.EvcManager()
        told = wait_task(evc.CheckAddHostEvc_Task(spec))
        words = " ".join(item.error.msg for item in told)
        self.assertIn(WORDS, words)
        self.assertIn("seen has to be powered off and on", words)
        cls.less = wait_task(self.cluster.AddHost_Task(spec, True))
        self.assertFalse(KEYS & self.masked(self.full))
        if cls.less.runtime.inMaintenanceMode:
            wait_task(cls.less.ExitMaintenanceMode_Task(0))
        wait_until(lambda: not KEYS & self.masked(self.full), 20, "baseline of two hosts again")
        spec = vim.event.EventFilterSpec(eventTypeId=["GeneralUserEvent"])
        wait_until(lambda: any(f"seen ({WORDS})" in event.fullFormattedMessage
                               for event in self.content.eventManager.QueryEvents(spec)), 10,
                   "event of the new baseline")

    def test_3_what_it_has_seen_is_refused_by_name(self):
        errors = self.findings(self.machine, self.less)
        faults = [fault for fault in errors
                  if isinstance(fault, vim.fault.FeatureRequirementsNotMet)]
        self.assertEqual(1, len(faults), errors)
        self.assertEqual(KEYS, keys_of(faults[0].featureRequirement))
        self.assertEqual((self.machine, self.less), (faults[0].vm, faults[0].host))
        fault = error_of(self.machine.MigrateVM_Task(None, self.less, "defaultPriority"))
        self.assertIn(WORDS, fault.msg)
        # So would libvirt, by itself: it is no pretence of ours.
        uuid = self.machine.config.uuid
        xml = SANDBOX.inside("host1", "virsh", "dumpxml", "--migratable", uuid)
        cpu = re.search(r"<cpu.*?</cpu>", xml, re.DOTALL).group(0)
        verdict = SANDBOX.inside("host2", "sh", "-c",
                                 "cat > /run/cpu.xml; virsh hypervisor-cpu-compare --error "
                                 "--virttype qemu /run/cpu.xml 2>&1", check=False, text=cpu)
        self.assertIn("avx2", verdict)

    def test_4_after_a_power_cycle_it_moves(self):
        wait_task(self.machine.PowerOffVM_Task())
        self.assertFalse(self.machine.runtime.featureRequirement)
        wait_task(self.machine.PowerOnVM_Task())
        wait_until(lambda: self.machine.runtime.featureRequirement, 10, "requirements")
        seen = keys_of(self.machine.runtime.featureRequirement)
        self.assertFalse(KEYS & seen)
        self.assertEqual([], list(self.findings(self.machine, self.less)))
        for host in (self.less, self.full):
            wait_task(self.machine.MigrateVM_Task(None, host, "defaultPriority"))
            self.assertEqual(host, self.machine.runtime.host)
            # What it was started with stays with it.
            wait_until(lambda: keys_of(self.machine.runtime.featureRequirement) == seen, 10,
                       "requirements at the new host")

    def test_5_powered_off_it_moves_anywhere_with_its_masks(self):
        demand = vim.vm.ConfigSpec.CpuIdInfoSpec(
            operation="add", info=vim.host.CpuIdInfo(level=7, ebx="-" * 26 + "1" + "-" * 5))
        other = self.create("demanding", cpuFeatureMask=[demand])
        self.assertEqual(7, other.config.cpuFeatureMask[0].level)
        fault = error_of(other.PowerOnVM_Task())
        self.assertIn("avx2", fault.msg)
        wait_task(other.MigrateVM_Task(None, self.less, "defaultPriority"))
        self.assertEqual(self.less, other.runtime.host)
        fault = error_of(other.PowerOnVM_Task())
        self.assertIsInstance(fault, vim.fault.FeatureRequirementsNotMet)
        self.assertEqual({"cpuid.AVX2"}, keys_of(fault.featureRequirement))
        hide = vim.vm.ConfigSpec.CpuIdInfoSpec(
            operation="edit", info=vim.host.CpuIdInfo(level=7, ebx="-" * 31 + "0"))
        wait_task(other.ReconfigVM_Task(vim.vm.ConfigSpec(cpuFeatureMask=[hide])))
        wait_task(other.PowerOnVM_Task())
        wait_until(lambda: other.runtime.featureRequirement, 10, "requirements")
        self.assertNotIn("cpuid.FSGSBASE", keys_of(other.runtime.featureRequirement))
        wait_task(other.PowerOffVM_Task())
        wait_task(other.Destroy_Task())

    def test_6_evc_modes_by_name(self):
        evc = self.cluster.EvcManager()
        self.assertEqual(self.cluster, evc.managedCluster)
        fault = error_of(evc.ConfigureEvcMode_Task("amd-zen4"))
        self.assertIn("avx512f", fault.msg)
        self.assertIn(self.less.name, fault.msg)
        possible = [mode.key for mode in evc.evcState.supportedEVCMode]
        self.assertIn("amd-rev-e", possible)
        # The machine that runs has seen more than the oldest mode has.
        told = wait_task(evc.CheckConfigureEvcMode_Task("amd-rev-e"))
        self.assertTrue(any(isinstance(item.error, vim.fault.ActiveVMsBlockingEVC)
                            for item in told), told)
        wait_task(self.machine.PowerOffVM_Task())
        self.assertEqual([], list(wait_task(evc.CheckConfigureEvcMode_Task("amd-rev-e")) or []))
        wait_task(evc.ConfigureEvcMode_Task("amd-rev-e"))
        self.assertEqual("amd-rev-e", self.cluster.summary.currentEVCModeKey)
        self.assertEqual("amd-rev-e", evc.evcState.currentEVCModeKey)
        for host in (self.full, self.less):
            wait_until(lambda host=host: host.summary.currentEVCModeKey == "amd-rev-e", 10,
                       "the hosts' mode")
        wait_task(self.machine.PowerOnVM_Task())
        wait_until(lambda: self.machine.runtime.featureRequirement, 10, "requirements")
        self.assertNotIn("cpuid.CMPXCHG16B", keys_of(self.machine.runtime.featureRequirement))
        self.assertEqual("amd-rev-e", self.machine.runtime.minRequiredEVCModeKey)
        wait_task(evc.DisableEvcMode_Task())
        self.assertFalse(self.cluster.summary.currentEVCModeKey)
        wait_task(self.machine.PowerOffVM_Task())

    def test_7_who_lacks_the_mode_does_not_join(self):
        wait_task(self.less.EnterMaintenanceMode_Task(0))
        wait_task(self.less.Destroy_Task())
        mode = self.full.summary.maxEVCModeKey
        evc = self.cluster.EvcManager()
        wait_until(lambda: mode in [each.key for each in evc.evcState.supportedEVCMode], 10,
                   "the mode of the host that is left")
        wait_task(evc.ConfigureEvcMode_Task(mode))
        spec = self.connect_spec()
        fault = error_of(self.cluster.AddHost_Task(spec, True))
        self.assertIsInstance(fault, vim.fault.EVCAdmissionFailedCPUFeaturesForMode)
        self.assertEqual(mode, fault.currentEVCModeKey)
        self.assertIn("cx16", fault.msg)
        self.assertEqual([self.full], list(self.cluster.host))
        wait_task(evc.DisableEvcMode_Task())
        type(self).less = wait_task(self.cluster.AddHost_Task(spec, True))
        wait_until(lambda: not KEYS & self.masked(self.full), 20, "baseline of two hosts")


if __name__ == "__main__":
    unittest.main()
