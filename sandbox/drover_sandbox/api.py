"""What a fresh sandbox does with its hosts' API: the demo template, and a demo machine.

Plain VI/JSON with Python's own HTTP client: the same that curl would send.
"""

import http.client
import json
import ssl
import time

from . import plan as plans
from .errors import SandboxError

MACHINE = "demo-1"
_FILES = f"{plans.GUEST_TEMPLATE}/{plans.GUEST_TEMPLATE}"
_RELEASE = "8.0.3.0"
_TASK_S = 120.0


class Session:
    """A login at one host; close it by leaving the `with` block."""

    def __init__(self, plan, host):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.load_verify_locations(plan.certificate_file(host))  # it is its own authority
        self._connection = http.client.HTTPSConnection(plan.address(host), context=context,
                                                       timeout=60)
        self._headers = {"Content-Type": "application/json"}
        self._name = host.name
        self._sessions = "SessionManager" if host.is_center else "ha-sessionmgr"
        self.call("SessionManager", self._sessions, "Login", userName=plans.ACCOUNT,
                  password=plan.password)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.call("SessionManager", self._sessions, "Logout")
        self._connection.close()

    def call(self, kind, reference, member, **arguments):
        """Calls a method; returns its result, or None."""
        return self._request("POST", kind, reference, member, json.dumps(arguments))

    def read(self, kind, reference, member):
        """Returns a property, or None if it is unset."""
        return self._request("GET", kind, reference, member, None)

    def task(self, kind, reference, member, **arguments):
        """Calls a method that returns a task; waits and returns the task's result."""
        task = self.call(kind, reference, member, **arguments)["value"]
        deadline = time.monotonic() + _TASK_S
        while time.monotonic() < deadline:
            info = self.read("Task", task, "info")
            if info["state"] == "success":
                return info.get("result")
            if info["state"] == "error":
                raise SandboxError(f"{self._name}: {member}: {info['error']['localizedMessage']}")
            time.sleep(0.05)
        raise SandboxError(f"{self._name}: {member} takes more than {_TASK_S:.0f} s")

    def _request(self, verb, kind, reference, member, body):
        self._connection.request(verb, f"/sdk/vim25/{_RELEASE}/{kind}/{reference}/{member}", body,
                                 self._headers)
        response = self._connection.getresponse()
        token = response.getheader("vmware-api-session-id")
        if token:
            self._headers["vmware-api-session-id"] = token
        text = response.read()
        if response.status >= 300:
            raise SandboxError(f"{self._name}: {member}: {text.decode(errors='replace')[:300]}")
        return json.loads(text) if text else None


def make_cluster(plan, thumbprints):
    """Makes a datacenter with one cluster and joins every host to it."""
    with Session(plan, plan.center) as session:
        datacenter = session.call("Folder", "group-d1", "CreateDatacenter",
                                  name=plans.DATACENTER)["value"]
        folder = session.read("Datacenter", datacenter, "hostFolder")["value"]
        cluster = session.call("Folder", folder, "CreateClusterEx", name=plans.CLUSTER,
                               spec={})["value"]
        for host in plan.hosts:
            session.task("ClusterComputeResource", cluster, "AddHost_Task", asConnected=True,
                         spec={"hostName": plan.address(host), "userName": plans.ACCOUNT,
                               "password": plan.password, "force": False,
                               "sslThumbprint": thumbprints[host.number]})


def register_template(plan, host):
    """Registers the demo guest on a host, as a template: machines are made of its disk."""
    with Session(plan, host) as session:
        session.task("Folder", "ha-folder-vm", "RegisterVM_Task",
                     path=f"[{plans.DATASTORE}] {_FILES}.vmx", name=plans.GUEST_TEMPLATE,
                     asTemplate=True)


def start_demo_machine(plan, host):
    """Makes a machine of the template, as a linked clone, and powers it on."""
    with Session(plan, host) as session:
        machine = session.task("Folder", "ha-folder-vm", "CreateVM_Task",
                               config=_demo_machine(),
                               pool={"_typeName": "ManagedObjectReference",
                                     "type": "ResourcePool", "value": "ha-root-pool"})
        session.task("VirtualMachine", machine["value"], "PowerOnVM_Task")


def _demo_machine():
    disk = {"_typeName": "VirtualDisk", "key": -2, "controllerKey": -1, "unitNumber": 0,
            "capacityInKB": 0,
            "backing": {"_typeName": "VirtualDiskFlatVer2BackingInfo", "fileName": "",
                        "diskMode": "persistent", "thinProvisioned": True,
                        "parent": {"_typeName": "VirtualDiskFlatVer2BackingInfo",
                                   "fileName": f"[{plans.DATASTORE}] {_FILES}.vmdk",
                                   "diskMode": "persistent"}}}
    nic = {"_typeName": "VirtualVmxnet3", "key": -3,
           "backing": {"_typeName": "VirtualEthernetCardNetworkBackingInfo",
                       "deviceName": "VM Network"},
           "connectable": {"startConnected": True, "connected": True, "allowGuestControl": True}}
    controller = {"_typeName": "ParaVirtualSCSIController", "key": -1, "busNumber": 0,
                  "sharedBus": "noSharing"}
    return {"name": MACHINE, "guestId": "debian11_64Guest", "numCPUs": 1, "memoryMB": 256,
            "annotation": "The demo guest: a small web server, load switches, a serial console.",
            "files": {"vmPathName": f"[{plans.DATASTORE}]"},
            "deviceChange": [{"operation": "add", "device": controller},
                             {"operation": "add", "fileOperation": "create", "device": disk},
                             {"operation": "add", "device": nic}]}
