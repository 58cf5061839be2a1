"""Every name, address and path of a sandbox, derived from a few chosen values.

Nothing here touches the system. The whole value goes into the ledger before anything is made, so
that whoever finds the ledger knows what there may be to remove.
"""

import os
import re
from dataclasses import asdict, dataclass, field

from .errors import SandboxError

STATE_ROOT = "/var/lib/drover-sandbox"
USER = "drover"
QEMU_USER = "libvirt-qemu"
DATASTORE = "shared"
GUEST_TEMPLATE = "demo"
NETWORK = "VM Network"
VM_BRIDGE = "vSwitch0"  # begins as drover-rootd is told that bridges may
BRIDGE_PREFIX = "vSwitch"
ACCOUNT = "root"
MAX_HOSTS = 16
CENTER = "center"
CENTER_NUMBER = 253
CENTER_PORTS = range(8443, 8500)  # on the machine's own 127.0.0.1: the first that is free
DATACENTER = "Datacenter"
CLUSTER = "Cluster"

_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,18}[a-z0-9])?")


@dataclass
class Host:
    """One host. `pid` is its supervisor's in the machine's own process namespace, 0 when off."""

    number: int
    uuid: str
    pid: int = 0
    start_ticks: int = 0  # of that process: guards against a reused pid
    off: bool = False  # switched off on purpose (drover sandbox kill)
    cpu_less: list = field(default_factory=list)  # features that its CPU lacks

    @property
    def is_center(self):
        return self.number == CENTER_NUMBER

    @property
    def name(self):
        return CENTER if self.is_center else f"host{self.number}"


@dataclass
class Plan:
    """A sandbox. Addresses lie in 10.`net_a`.`net_b`.0/24 (management and machines) and the next
    /24 (migration, for hosts alone); `net_b` is even."""

    name: str
    net_a: int
    net_b: int
    cpu_cores: float  # capacity of each host
    memory_bytes: int  # capacity of each host
    password: str
    hostd: bool  # False: libvirt alone
    hosts: list = field(default_factory=list)
    center: Host | None = None
    center_port: int = 0  # of 127.0.0.1, where a browser on this machine finds the center
    ready: bool = False  # every host has answered
    kept: bool = False  # stays when all of its hosts have died
    names: bool = True  # hosts know each other's names
    owner: list = field(default_factory=list)  # [pid, start_ticks] of an `up` still at work
    watcher: list = field(default_factory=list)
    dnsmasq: list = field(default_factory=list)

    # -- names ------------------------------------------------------------------------------
    @property
    def directory(self):
        return state_directory(self.name)

    @property
    def datastore_directory(self):
        return os.path.join(self.directory, "datastore")

    @property
    def program_directory(self):
        return os.path.join(self.directory, "bin")

    def program(self, name):
        """The sandbox's own copy of one of drover's daemons."""
        return os.path.join(self.program_directory, name)

    def host_directory(self, host):
        return os.path.join(self.directory, "hosts", host.name)

    @property
    def nodes(self):
        """The hosts and, if there is one, the center: each has a world of its own."""
        return self.hosts + ([self.center] if self.center else [])

    def daemon_name(self, host):
        return "drover-centerd" if host.is_center else "drover-hostd"

    def state_of(self, host):
        """The directory of the node's own daemon."""
        return os.path.join(self.host_directory(host), "centerd" if host.is_center else "hostd")

    def config_file(self, host):
        return self.state_of(host) + ".json"

    def ha_config_file(self, host):
        """drover-had's, as far as an administrator writes it."""
        return os.path.join(self.host_directory(host), "ha.json")

    def front_directory(self, host):
        """Where somebody may mount what the host sees instead of the datastore, while it is off."""
        return os.path.join(self.host_directory(host), "front")

    def log_directory(self, host):
        return os.path.join(self.host_directory(host), "log")

    def certificate_file(self, host):
        return os.path.join(self.state_of(host), "tls", "certificate.pem")

    @property
    def bridge(self):
        return f"dvs{self.net_a}-{self.net_b}"

    @property
    def migration_bridge(self):
        return f"{self.bridge}m"

    def uplink(self, host):
        """The machine's end of the host's management cable (at most 15 characters)."""
        return f"{self.bridge}h{host.number}"

    def migration_uplink(self, host):
        return f"{self.bridge}m{host.number}"

    @property
    def cgroup_partition(self):
        return f"/drover-{self.name}"

    def host_partition(self, host):
        """As libvirt's <partition> wants it."""
        return f"{self.cgroup_partition}/{host.name}"

    # -- addresses --------------------------------------------------------------------------
    @property
    def gateway(self):
        """The machine's own address on the sandbox network."""
        return f"10.{self.net_a}.{self.net_b}.254"

    def address(self, host):
        return f"10.{self.net_a}.{self.net_b}.{host.number}"

    def migration_address(self, host):
        return f"10.{self.net_a}.{self.net_b + 1}.{host.number}"

    @property
    def migration_network(self):
        return f"10.{self.net_a}.{self.net_b + 1}.0/24"

    @property
    def dhcp_range(self):
        prefix = f"10.{self.net_a}.{self.net_b}"
        return f"{prefix}.100,{prefix}.250,255.255.255.0,1h"

    def mac(self, host, kind):
        """A stable, locally administered address; `kind` tells a host's ports apart."""
        return f"02:d0:{self.net_a:02x}:{self.net_b:02x}:{kind:02x}:{host.number:02x}"

    # -- hosts ------------------------------------------------------------------------------
    def host(self, name):
        """Returns the host called `name` ("host2" or "2"), or the center ("center")."""
        for host in self.nodes:
            if name in (host.name, str(host.number)):
                return host
        names = ", ".join(host.name for host in self.nodes)
        raise SandboxError(f"no host '{name}' in sandbox '{self.name}' (there are {names})")

    def to_json(self):
        return asdict(self)

    @staticmethod
    def from_json(value):
        """The reverse of to_json(); raises TypeError or KeyError for anything else."""
        hosts = [Host(**item) for item in value["hosts"]]
        center = Host(**value["center"]) if value["center"] else None
        plan = Plan(**{**value, "hosts": hosts, "center": center})
        check_name(plan.name)
        if not (isinstance(plan.net_a, int) and isinstance(plan.net_b, int)):
            raise TypeError("net_a and net_b must be numbers")
        return plan


def state_directory(name):
    return os.path.join(STATE_ROOT, name)


def interface_alias(name):
    """What each of a sandbox's network interfaces in the machine carries as its alias."""
    return f"drover-sandbox:{name}"


def check_name(name):
    """Raises SandboxError unless `name` may be a sandbox's name."""
    if not _NAME.fullmatch(name):
        raise SandboxError(f"sandbox name '{name}': 1 to 20 of a-z, 0-9 and '-', "
                           "neither first nor last a '-'")
