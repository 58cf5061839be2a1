"""High availability on the hosts of a sandbox: its configuration, what it decided, who writes."""

import json
import os
import re
import shutil
import signal
import socket
import struct
import threading
import time

from .sandbox import wait_until


class Protection:
    """Protects machines on all hosts of a sandbox: configures and starts drover-had."""

    def __init__(self, sandbox, settings_of=lambda host: {}):
        """`settings_of`: a host's name -> what else its settings are to say."""
        self.sandbox = sandbox
        self._settings_of = settings_of
        with open(os.path.join(sandbox.directory, "ledger.json"), encoding="utf-8") as file:
            self.hosts = {f"host{item['number']}": item["uuid"]
                          for item in json.load(file)["hosts"]}
        self._version = 0

    def protect(self, machines):
        """`machines`: dicts as in the catalogue. Waits until every host has joined."""
        self._version += 1
        catalogue = {"version": self._version, "memory_overcommit": 4,
                     "hosts": [{"id": uuid, "name": name, "cpu_mhz": 2000, "memory_mb": 1024}
                               for name, uuid in self.hosts.items()],
                     "machines": machines}
        for name, uuid in self.hosts.items():
            config = {"host": uuid, "host_name": name, "datastore": "shared",
                      "datastore_path": self.sandbox.datastore_directory,
                      "reset": ["kill", "-TERM", "1"], "catalogue": catalogue,
                      **self._settings_of(name)}
            path = os.path.join(self.sandbox.host_directory(name), "ha.json")
            with open(path + ".new", "w", encoding="utf-8") as file:
                json.dump(config, file)
            os.chmod(path + ".new", 0o640)
            shutil.chown(path + ".new", None, "drover")
            os.replace(path + ".new", path)
            if self._version == 1:
                self._connect_hostd(name)
        for name in self.hosts:
            wait_until(lambda name=name: "protects %d machines" % len(machines)
                       in self.sandbox.log(name), 30, f"protection at {name}")
            wait_until(lambda name=name: self.epoch(name), 30, f"an epoch of {name}")

    def _connect_hostd(self, name):
        with open(self.sandbox.hostd_config(name), encoding="utf-8") as file:
            settings = json.load(file)
        settings["ha_socket"] = "/run/drover/ha/agent.sock"
        with open(self.sandbox.hostd_config(name), "w", encoding="utf-8") as file:
            json.dump(settings, file)
        self.sandbox.kill_hostd(name)
        os.kill(self.sandbox._supervisor_pid(name), signal.SIGHUP)

    def epoch(self, name):
        """The newest epoch of a host on the datastore; 0: it never joined."""
        directory = os.path.join(self.sandbox.datastore_directory, ".ha")
        slot = re.compile(re.escape(self.hosts[name]) + r"\.epoch\.(\d+)")
        try:
            found = [slot.fullmatch(entry) for entry in os.listdir(directory)]
        except FileNotFoundError:
            return 0
        return max((int(match.group(1)) for match in found if match), default=0)

    def lease(self, machine):
        """The newest lease of a machine: its owner is the host's name."""
        directory = os.path.join(self.sandbox.datastore_directory, machine)
        files = [name for name in os.listdir(directory) if re.search(r"\.lease\.\d+$", name)]
        newest = max(files, key=lambda name: int(name.rsplit(".", 1)[1]))
        with open(os.path.join(directory, newest), encoding="utf-8") as file:
            return json.load(file)

    def said(self, name):
        return self.sandbox.log(name, "drover-had")

    def processes(self, name):
        """{"fencer": pid, "agent": pid} of a host."""
        found = {}
        for pid in self.sandbox.process_ids("drover-had", name):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    found["agent" if b"--agent" in file.read() else "fencer"] = pid
            except OSError:
                pass
        return found

    def cut_storage(self, name):
        """The host's daemons no longer see the datastore."""
        self.sandbox.inside(name, "mount", "-t", "tmpfs", "none",
                            self.sandbox.datastore_directory)

    def mend_storage(self, name):
        self.sandbox.inside(name, "umount", self.sandbox.datastore_directory)


def process_of(sandbox, host, uuid):
    """The process that runs a machine on a host; 0 if none does, or the host is off."""
    try:
        return sandbox.qemu_processes(host).get(uuid, 0)
    except FileNotFoundError:
        return 0


# QEMU writes a line to its log when it ends, the receiving end of a cancelled migration too: one
# page. Guests here write megabytes.
LOG_LINE_BYTES = 4096


class Writers:
    """Watches from outside which processes write for a machine, and when."""

    def __init__(self, sandbox, hosts, uuid):
        self._sandbox, self._hosts, self._uuid = sandbox, hosts, uuid
        self.writes = []  # (time, host, pid)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self):
        known, counts, looked = {}, {}, 0.0
        while not self._over.wait(0.05):
            if time.monotonic() - looked > 0.4:
                looked = time.monotonic()
                for host in self._hosts:
                    pid = process_of(self._sandbox, host, self._uuid)
                    if pid:
                        known[pid] = host
            for pid, host in list(known.items()):
                try:
                    with open(f"/proc/{pid}/io", encoding="ascii") as file:
                        count = int(re.search(r"write_bytes: (\d+)", file.read()).group(1))
                except (OSError, AttributeError):
                    del known[pid]
                    continue
                before = counts.setdefault(pid, count)
                counts[pid] = count
                if count - before > LOG_LINE_BYTES:
                    self.writes.append((time.monotonic(), host, pid))

    def stop(self):
        self._over.set()
        self._thread.join()

    def overlaps(self):
        """Pairs of processes of which one wrote after another had begun to."""
        spans = {}
        for when, host, pid in self.writes:
            first, _ = spans.get((host, pid), (when, when))
            spans[host, pid] = (first, when)
        ordered = sorted(spans.items(), key=lambda item: item[1])
        return [(one, other) for (one, (_, last)), (other, (first, _))
                in zip(ordered, ordered[1:]) if first < last]


class Pings:
    """Asks a guest for an echo every 10 ms: how long it did not answer."""

    def __init__(self, address):
        self._address = address
        self._answers = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def _ask(self):
        # A datagram socket of ICMP needs a range of groups; a raw one needs root, which is here.
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as raw:
            raw.setblocking(False)
            identity, number = os.getpid() & 0xFFFF, 0
            while not self._over.wait(0.01):
                number = (number + 1) & 0xFFFF
                total = 0x0800 + identity + number
                while total >> 16:
                    total = (total & 0xFFFF) + (total >> 16)
                packet = struct.pack("!BBHHH", 8, 0, ~total & 0xFFFF, identity, number)
                try:
                    raw.sendto(packet, (self._address, 0))
                    while True:
                        answer, sender = raw.recvfrom(256)
                        if sender[0] == self._address and answer[20] == 0:
                            self._answers.append(time.monotonic())
                except OSError:
                    pass

    def longest(self):
        """Seconds between two answers; infinite if there were none."""
        pairs = list(zip(self._answers, self._answers[1:]))
        return max((after - before for before, after in pairs), default=float("inf"))
