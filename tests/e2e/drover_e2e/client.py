"""pyVmomi, connected to a host of a sandbox."""

import http.client
import socket
import ssl
import time

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import VmomiSupport, vim, vmodl

# No answer of a host takes longer.
socket.setdefaulttimeout(60)

# What a client sees of a server that dies or is not there yet.
LOST = (OSError, http.client.HTTPException, ssl.SSLError)


def _let_faults_be_reported():
    """unittest sets __traceback__ of what was raised, which pyVmomi's faults refuse."""
    strict = VmomiSupport.DataObject.__setattr__

    def tolerant(self, name, value):
        if name.startswith("__"):
            return Exception.__setattr__(self, name, value)
        return strict(self, name, value)

    VmomiSupport.DataObject.__setattr__ = tolerant


_let_faults_be_reported()


class Connection:
    """A session at one host, and the fixed objects of a stand-alone host."""

    def __init__(self, sandbox, host="host1"):
        entry = sandbox.host(host)
        self.si = SmartConnect(host=entry["address"], user=entry["username"],
                               pwd=entry["password"],
                               sslContext=ssl._create_unverified_context())
        self.content = self.si.content
        self.datacenter = self.content.rootFolder.childEntity[0]
        self.compute = self.datacenter.hostFolder.childEntity[0]
        self.host = self.compute.host[0]

    def create(self, spec):
        """Starts CreateVM_Task in the host's folder and pool."""
        return self.datacenter.vmFolder.CreateVM_Task(spec, self.compute.resourcePool)

    def machines(self):
        """Returns {name: VirtualMachine} of all that tests have made: not the demo guest's."""
        every = {machine.name: machine for machine in self.datacenter.vmFolder.childEntity}
        return {name: machine for name, machine in every.items() if name != "demo"}

    def machine(self, name):
        return self.machines()[name]

    def datastore(self, name="shared"):
        return next(item for item in self.datacenter.datastore if item.name == name)

    def close(self):
        try:
            Disconnect(self.si)
        except (*LOST, vmodl.MethodFault):
            pass


def connect(sandbox, host="host1"):
    return Connection(sandbox, host)


def connect_when_ready(sandbox, host="host1", wait_s=60.0):
    """Connects to a host that may just be starting."""
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return Connection(sandbox, host)
        except (*LOST, vim.fault.HostConnectFault, vmodl.fault.HostCommunication):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def wait_task(task, wait_s=180.0):
    """Returns the result of a task; raises its fault."""
    deadline = time.monotonic() + wait_s
    while True:
        info = task.info
        if info.state == vim.TaskInfo.State.success:
            return info.result
        if info.state == vim.TaskInfo.State.error:
            raise info.error
        if time.monotonic() > deadline:
            raise AssertionError(f"{info.descriptionId} is {info.state} after {wait_s:.0f} s")
        time.sleep(0.02)


def state_of(machine):
    """What the tests compare of a machine: (power state, memory in MB, disk files)."""
    devices = machine.config.hardware.device
    disks = sorted(device.backing.fileName for device in devices
                   if isinstance(device, vim.vm.device.VirtualDisk))
    return (machine.runtime.powerState, machine.config.hardware.memoryMB, tuple(disks))
