"""The cluster of a sandbox that has a center, as its administrator sees it."""

import ssl

from pyVim.connect import SmartConnect
from pyVmomi import vim

from .client import wait_task


class Cluster:
    def __init__(self, sandbox):
        self._sandbox = sandbox
        entry = sandbox.status["center"]
        self.si = SmartConnect(host=entry["address"], user=entry["username"],
                               pwd=entry["password"],
                               sslContext=ssl._create_unverified_context())
        self.datacenter = self.si.content.rootFolder.childEntity[0]
        self.compute = self.datacenter.hostFolder.childEntity[0]

    def configure(self, **spec):
        wait_task(self.compute.ReconfigureComputeResource_Task(
            vim.cluster.ConfigSpecEx(**spec), True))

    def host(self, name):
        """The HostSystem of a host of the sandbox."""
        address = self._sandbox.host(name)["address"]
        return next(item for item in self.compute.host if item.name == address)

    def datastore(self, name):
        return next(item for item in self.datacenter.datastore if item.name == name)

    def das_state(self, name):
        state = self.host(name).runtime.dasHostState
        return state.state if state else None


def is_protected(machine):
    state = machine.runtime.dasVmProtection
    return state.dasProtected if state else None
