"""What the center costs on top of libvirt: MigrateVM_Task against a like `virsh migrate`.

Two like machines run on two hosts with nothing else to do; in turn the one is moved by the center
and the other, which drover does not know, by virsh. The times are the clients': from the call until
the task has succeeded, and until the program has ended. The downtime is what QEMU told libvirt.
"""

import os
import re
import ssl
import statistics
import subprocess
import time
import uuid

from pyVim.connect import SmartConnect

from drover_e2e import Sandbox, make_spec, wait_task, wait_until

PAIRS = int(os.environ.get("DROVER_BENCH_PAIRS", "30"))
MEMORY_MB = 512
_COMMAND = "bench/run BUILD migrate"


def rows(_build):
    with Sandbox(hosts=2, arguments=("--center", "--cpus", "1", "--no-template")) as sandbox:
        ours, theirs = _Ours(sandbox), _Theirs(sandbox)
        theirs.start_like(ours)
        time.sleep(20)  # both guests have booted, and have nothing to do
        total, downtime = ([], []), ([], [])
        for number in range(2 * PAIRS):
            mover = (ours, theirs)[number % 2]
            took_s, stood_ms = mover.move()
            total[number % 2].append(took_s)
            downtime[number % 2].append(stood_ms)
        yield from _compared("total time", total, 1.2, "s", 0)
        yield from _compared("downtime", downtime, 1.3, "ms", 15)


def _compared(what, figures, goal, unit, slack):
    ours, theirs = (statistics.median(items) for items in figures)
    digits = 2 if unit == "s" else 0
    for name, value in (("MigrateVM_Task", ours), ("virsh migrate", theirs)):
        yield (f"{what} of {name}, {MEMORY_MB} MiB, median", f"{value:.{digits}f} {unit}", "", True,
               _COMMAND)
    text = f"<= {goal}" + (f" or +{slack} {unit}" if slack else "")
    yield (f"their ratio, medians of {PAIRS} pairs", f"{ours / theirs:.2f}", text,
           ours <= max(goal * theirs, theirs + slack), _COMMAND)


def _uri(sandbox, host):
    libvirtd = sandbox.process_ids("libvirtd", host)[0]
    return f"qemu:///system?socket=/proc/{libvirtd}/root/run/libvirt/libvirt-sock"


def _virsh(sandbox, host, *words):
    return subprocess.run(["virsh", "-q", "-c", _uri(sandbox, host), *words], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def _downtime_ms(sandbox, host, domain):
    text = _virsh(sandbox, host, "domjobinfo", domain, "--completed")
    return float(re.search(r"Total downtime:\s+(\d+)", text)[1])


class _Ours:
    """A machine of the center."""

    def __init__(self, sandbox):
        self.sandbox, self.place = sandbox, "host1"
        entry = sandbox.status["center"]
        session = SmartConnect(host=entry["address"], user=entry["username"],
                               pwd=entry["password"],
                               sslContext=ssl._create_unverified_context())
        self._session = session
        datacenter = session.RetrieveContent().rootFolder.childEntity[0]
        self._cluster = datacenter.hostFolder.childEntity[0]
        self.machine = wait_task(datacenter.vmFolder.CreateVM_Task(
            make_spec("ours", memory_mb=MEMORY_MB), self._cluster.resourcePool,
            self._host("host1")))
        wait_task(self.machine.PowerOnVM_Task())
        self.uuid = self.machine.config.uuid
        wait_until(lambda: self.machine.guest.ipAddress, 150, "an address of the guest")

    def _host(self, name):
        address = self.sandbox.host(name)["address"]
        return next(item for item in self._cluster.host if item.name == address)

    def move(self):
        target = "host2" if self.place == "host1" else "host1"
        began = time.monotonic()
        wait_task(self.machine.MigrateVM_Task(None, self._host(target), "defaultPriority"), 180)
        took_s = time.monotonic() - began
        self.place = target
        return took_s, _downtime_ms(self.sandbox, target, self.uuid)


class _Theirs:
    """A domain like it that only libvirt knows."""

    def __init__(self, sandbox):
        self.sandbox, self.place = sandbox, "host1"
        self._uuid = str(uuid.uuid4())

    def start_like(self, ours):
        """The same description under another name, with a copy of the disk's top layer."""
        xml = _virsh(self.sandbox, "host1", "dumpxml", "--security-info", "--migratable", ours.uuid)
        xml = re.sub(r"<metadata>.*?</metadata>", "", xml, flags=re.S)
        xml = xml.replace(ours.uuid, self._uuid)
        xml = re.sub(r"<mac address='(.*?)..'/>", r"<mac address='\g<1>fe'/>", xml)
        directory = self.sandbox.datastore_directory
        subprocess.run(["cp", "-a", f"{directory}/ours", f"{directory}/theirs"], check=True)
        # Only the machine's own files: what they stand on stays shared.
        xml = xml.replace("/ours/", "/theirs/")
        file = os.path.join(self.sandbox.directory, "theirs.xml")
        with open(file, "w", encoding="utf-8") as out:
            out.write(xml)
        _virsh(self.sandbox, "host1", "create", file)

    def move(self):
        target = "host2" if self.place == "host1" else "host1"
        names = [self._trust_all(host) for host in ("host1", "host2")]
        address = self._migration_address(target)
        words = ["migrate", "--live", "--unsafe", "--abort-on-error", "--tls", "--auto-converge",
                 "--tls-destination", names[target == "host2"],
                 "--migrateuri", f"tcp://{address}", "--listen-address", address]
        with open("/proc/sys/vm/unprivileged_userfaultfd", encoding="utf-8") as file:
            if file.read().strip() == "1":  # where it is not, our hosts leave it out too
                words.append("--postcopy")
        began = time.monotonic()
        _virsh(self.sandbox, self.place, *words, self._uuid, _uri(self.sandbox, target))
        took_s = time.monotonic() - began
        self.place = target
        return took_s, _downtime_ms(self.sandbox, target, self._uuid)

    def _configured(self, host, key):
        libvirtd = self.sandbox.process_ids("libvirtd", host)[0]
        with open(f"/proc/{libvirtd}/root/etc/libvirt/qemu.conf", encoding="utf-8") as file:
            return libvirtd, re.search(rf'^{key} = "(.*)"', file.read(), re.M)[1]

    def _migration_address(self, host):
        return self._configured(host, "migration_address")[1]

    def _trust_all(self, host):
        """Lets the host's QEMU believe every host's certificate; returns the name in its own."""
        authorities = ""
        for name in ("host1", "host2"):
            libvirtd, identity = self._configured(name, "migrate_tls_x509_cert_dir")
            own = f"/proc/{libvirtd}/root{identity}/own-authority.pem"
            with open(own, encoding="utf-8") as file:
                authorities += file.read()
        libvirtd, identity = self._configured(host, "migrate_tls_x509_cert_dir")
        with open(f"/proc/{libvirtd}/root{identity}/ca-cert.pem", "w", encoding="utf-8") as file:
            file.write(authorities)
        with open(f"/proc/{libvirtd}/root{identity}/name", encoding="utf-8") as file:
            return file.read()
