"""Hosts, each with a front of its own to the datastore, and machines that write records."""

import contextlib
import os
import shutil
import struct
import time

from drover_e2e import Sandbox, connect, connect_when_ready, make_spec, wait_task, wait_until
from drover_e2e.availability import Protection
from drover_e2e.client import LOST
from pyVmomi import vmodl

from . import clock
from .etcd import Etcd
from .front import Front, programs

# A question to a name server: there is none that would answer, and here it is counted.
_QUESTION = ("-p", "udp", "--dport", "53")
MEMORY_MB = 128
DISK_MB = 16
_NUMBER_AT = 0x1F0  # where the recorder's sector has its machine's number


class World:
    """Of a profile. `entries`: what else the catalogue says of a machine, by its name. close()
    removes everything."""

    def __init__(self, profile, entries=None):
        programs()
        self.profile = profile
        self.hosts = profile.host_names
        self._bin = os.environ["DROVER_BIN_DIR"]
        self.clock = clock.Shift()
        os.environ["DROVER_BIN_DIR"] = self.clock.programs(self._bin)
        self.fronts = {}
        self.etcd = None
        self.sandbox = None
        try:
            self.sandbox = Sandbox(hosts=profile.hosts, arguments=(
                "--cpus", "1", "--no-template", "--keep",
                *(() if profile.names else ("--no-names",))))
            self.clock.enter(self.sandbox)
            self.uuids = {}  # machine: BIOS UUID
            self.disks = {}  # machine: its data file, as the fronts' logs name it
            for number in range(1, profile.machines + 1):
                self._make_machine(number)
            self.ha = Protection(self.sandbox, self._settings)
            for host in self.hosts:
                self.sandbox.run("kill", host)
            if profile.etcd:
                self.etcd = Etcd(self.sandbox, self.ha.hosts)
            for host in self.hosts:
                base = self.sandbox.host_directory(host)
                self.fronts[host] = Front(base, host, "front", self.sandbox.datastore_directory,
                                          os.path.join(base, "front"))
                self.start(host)
            self.protect(entries or {})
            if not profile.names:
                self._prove_that_there_are_no_names()
            for number, name in enumerate(self.uuids):
                self._power_on(name, self.hosts[number % len(self.hosts)])
        except BaseException:
            self.close()
            raise

    def _settings(self, host):
        settings = {"watchdog": self.fronts[host].watchdog}
        return settings | ({"etcd": self.etcd.settings(host)} if self.etcd else {})

    def protect(self, entries):
        """All machines; `entries` as for the constructor."""
        self.ha.protect([{"id": uuid, "path": f"{name}/{name}.vmx", "memory_mb": MEMORY_MB}
                         | self._entry(name, entries) for name, uuid in self.uuids.items()])

    def _entry(self, name, entries):
        """The catalogue's entry; machines it depends on are named as everywhere here."""
        entry = dict(entries.get(name, {}))
        if "depends_on" in entry:
            entry["depends_on"] = [self.uuids[other] for other in entry["depends_on"]]
        return entry

    def _every_front(self):
        return [*self.fronts.values(), *(self.etcd.disks.values() if self.etcd else ())]

    def fronts_of(self, host):
        return [self.fronts[host]] + ([self.etcd.disks[host]] if self.etcd else [])

    def close(self):
        os.environ["DROVER_BIN_DIR"] = self._bin
        for front in self._every_front():
            with contextlib.suppress(OSError):
                front.clear()
        if self.sandbox:
            self.sandbox.close()
        for front in self._every_front():
            front.stop()
        self.clock.close()

    # -- machines ---------------------------------------------------------------------------
    def _make_machine(self, number):
        name, host = f"m{number}", self.hosts[(number - 1) % len(self.hosts)]
        client = connect(self.sandbox, host)
        # With a paravirtual or LSI controller the BIOS gets no interrupts any more once QEMU has
        # tried a failed request again, with or without drover.
        spec = make_spec(name, memory_mb=MEMORY_MB, clone_of=None, nic=False, disk_mb=DISK_MB,
                         sata=True)
        machine = wait_task(client.create(spec))
        self.uuids[name] = machine.config.uuid
        client.close()
        directory = os.path.join(self.sandbox.datastore_directory, name)
        images = [file for file in os.listdir(directory)
                  if os.path.getsize(os.path.join(directory, file)) == DISK_MB << 20]
        assert len(images) == 1, f"{name}: no single raw disk among {os.listdir(directory)}"
        self.disks[name] = f"/{name}/{images[0]}"
        with open(programs()[1], "rb") as file:
            sector = bytearray(file.read())
        struct.pack_into("<I", sector, _NUMBER_AT, number)
        with open(os.path.join(directory, images[0]), "r+b") as file:
            file.write(sector)

    def _power_on(self, name, host):
        client = connect_when_ready(self.sandbox, host)
        try:
            if name not in client.machines():
                wait_task(client.datacenter.vmFolder.RegisterVM_Task(
                    f"[shared] {name}/{name}.vmx", None, False, client.compute.resourcePool))
            wait_task(client.machine(name).PowerOnVM_Task())
        finally:
            client.close()

    def spread(self):
        """Gives every host a machine again, as DRS would in time: by another power-on. Returns
        whether there was anything to do."""
        moved = False
        of = {host: self.machines_of(host) for host in self.hosts}
        for host in self.hosts:
            crowded = max(self.hosts, key=lambda each: len(of[each]))
            if not of[host] and len(of[crowded]) > 1:
                name = of[crowded].pop()
                self._power_off(name, crowded)
                self._power_on(name, host)
                of[host].append(name)
                moved = True
        return moved

    def _power_off(self, name, host):
        client = connect_when_ready(self.sandbox, host)
        try:
            wait_task(client.machine(name).PowerOffVM_Task())
        finally:
            client.close()

    def running_on(self, name):
        """{host: process} of a machine, be it one that stands still."""
        found = {}
        for host in self.hosts:
            try:
                pid = self.sandbox.qemu_processes(host).get(self.uuids[name])
            except FileNotFoundError:
                continue
            if pid:
                found[host] = pid
        return found

    def host_of(self, name):
        """The host that a machine's lease names; "" if none does."""
        owner = self.ha.lease(name)["owner"]
        return next((host for host, uuid in self.ha.hosts.items() if uuid == owner), "")

    def machines_of(self, host):
        return [name for name in self.uuids if self.host_of(name) == host]

    # -- hosts ------------------------------------------------------------------------------
    def is_on(self, host):
        pid = self.sandbox._supervisor_pid(host)
        try:
            with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
                return pid > 1 and file.read().rpartition(")")[2].split()[0] not in "ZX"
        except OSError:
            return False

    def pull(self, host):
        """Its power cable. What it had asked the storage for and not got is gone with it."""
        pid = self.sandbox._supervisor_pid(host)
        if self.is_on(host):
            os.kill(pid, 9)
        self.sandbox.run("kill", host)
        for front in self.fronts_of(host):
            front.tell("off")

    def pull_all(self, hosts):
        """The cables of all of them, within milliseconds."""
        for host in hosts:
            os.kill(self.sandbox._supervisor_pid(host), 9)
        for host in hosts:
            self.pull(host)

    def start(self, host):
        for front in self.fronts_of(host):
            front.tell("on 0")
        self.sandbox.run("start", host)
        for front in self.fronts_of(host):
            front.tell(f"on {self.sandbox._supervisor_pid(host)}")
        for whose in ((), ("-m", "owner", "--uid-owner", "drover")):
            self.sandbox.inside(host, "iptables", "-w", "-I", "OUTPUT", *_QUESTION, *whose,
                                "-j", "DROP", check=False)

    # -- names ------------------------------------------------------------------------------
    def names_asked(self):
        """How many questions to a name server have been sent at each host since it is on:
        {host: (by the user drover, by others)}."""
        found = {}
        for host in filter(self.is_on, self.hosts):
            text = self.sandbox.inside(host, "iptables", "-w", "-nvxL", "OUTPUT", check=False)
            counts = {"owner" in line: int(line.split()[0]) for line in text.splitlines()
                      if "DROP" in line and "dpt:53" in line}
            found[host] = (counts.get(True, 0), counts.get(False, 0))
        return found

    def _prove_that_there_are_no_names(self):
        before = self.names_asked()
        for host in self.hosts:
            for name in [*self.hosts, "storage.example"]:
                said = self.sandbox.inside(
                    host, "setpriv", "--reuid=drover", "--clear-groups", "env",
                    "RES_OPTIONS=timeout:1 attempts:1", "getent", "ahosts", name, check=False)
                assert not said, f"{host} knows the name {name}: {said}"
            assert self.names_asked()[host][0] > before[host][0], f"{host}: nothing was counted"
            self.sandbox.inside(host, "iptables", "-w", "-Z", "OUTPUT")

    def start_what_is_off(self):
        """As an administrator would; returns the hosts that were off."""
        off = [host for host in self.hosts if not self.is_on(host)]
        for host in off:
            self.start(host)
        return off

    def processes(self, program, host):
        try:
            return self.sandbox.process_ids(program, host)
        except FileNotFoundError:
            return []

    def uplinks(self, host):
        links = self.sandbox.inside(host, "sh", "-c", "ls /sys/class/net", check=False).split()
        return [link for link in links if link not in ("lo", "vSwitch0")
                and not link.startswith(("vnet", "tap"))]

    def set_links(self, host, state):
        """Of a host that may be ending by itself this moment."""
        for link in self.uplinks(host):
            self.sandbox.inside(host, "ip", "link", "set", link, state, check=False)

    # -- looking ----------------------------------------------------------------------------
    def said(self, host):
        """drover-had's log so far: what is in it counts from here with said_since()."""
        try:
            return len(self.ha.said(host))
        except FileNotFoundError:
            return 0

    def keep_logs(self, directory):
        """Copies all logs of all hosts."""
        for host in self.hosts:
            source = os.path.join(self.sandbox.host_directory(host), "log")
            shutil.copytree(source, os.path.join(directory, host), dirs_exist_ok=True)
            shutil.copy(self.fronts[host].log, os.path.join(directory, host))
        shutil.copytree(os.path.join(self.sandbox.datastore_directory, ".ha"),
                        os.path.join(directory, "ha"), dirs_exist_ok=True)

    def wait_until_settled(self, judge, limit_s, since=0.0):
        """Until every machine runs once and has written a while after `since`, and every host
        lives and beats: (what is missing, hosts that had ended by themselves). Those are started
        again."""
        deadline = time.monotonic() + limit_s
        ended = []
        if self.etcd:
            self.etcd.look_anew()
        while True:
            ended += self.start_what_is_off()
            judge.read()
            now = time.monotonic()
            latest = max(now - 1.5, since + 1.0)
            left = [name for name in self.uuids
                    if judge.last_write(name) < latest or len(self.running_on(name)) != 1]
            left += [host for host in self.hosts if judge.alive.get(host, 0) < latest]
            if not left and self.etcd:
                left = self.etcd.silent(self.ha.hosts)
            if not left or now > deadline:
                return left, ended
            time.sleep(0.2)


NO_ANSWER = (*LOST, vmodl.MethodFault, AssertionError)
