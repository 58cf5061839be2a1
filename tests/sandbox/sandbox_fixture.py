"""What the sandbox's tests share: a sandbox under test, and the search for what it left behind."""

import json
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
SOURCE = os.path.realpath(os.path.join(HERE, "..", "..", "sandbox"))
PROGRAM = os.path.join(SOURCE, "drover-sandbox")
sys.dont_write_bytecode = True
sys.path[:0] = [SOURCE, os.path.join(SOURCE, "guest")]

from drover_sandbox import ledger, network, system  # noqa: E402
from drover_sandbox import plan as plans  # noqa: E402

# A test run that is told to stop still cleans up.
signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
# A run in the background ignores SIGINT, and so would the programs under test.
signal.signal(signal.SIGINT, signal.default_int_handler)


class Sandbox:
    """A sandbox with a name of its own; close() removes it, whatever happened to it."""

    _count = 0

    def __init__(self, environment=None):
        Sandbox._count += 1
        self.name = f"t{os.getpid()}-{Sandbox._count}"
        self._environment = {**os.environ, **(environment or {})}

    def close(self):
        self.run("down", check=False)

    def command(self, verb, *arguments):
        return [PROGRAM, verb, "--name", self.name, *arguments]

    def run(self, verb, *arguments, check=True):
        """Runs one command; returns its result, with stdout and stderr as text."""
        result = subprocess.run(self.command(verb, *arguments), capture_output=True, text=True,
                                env=self._environment, stdin=subprocess.DEVNULL, check=False)
        if check and result.returncode != 0:
            raise AssertionError(f"drover-sandbox {verb}: {result.stderr}\n{result.stdout}")
        return result

    def spawn(self, verb, *arguments):
        return subprocess.Popen(self.command(verb, *arguments), stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                env=self._environment)

    def up(self, *arguments, hosts=1):
        return self.run("up", "--hosts", str(hosts), "--no-hostd", *arguments)

    def inside(self, host, *command, check=True):
        return self.run("exec", host, *command, check=check).stdout.strip()

    def status(self):
        return json.loads(self.run("status", "-o", "json").stdout)

    @property
    def plan(self):
        return ledger.read(self.name)

    def leftovers(self):
        """Returns all that this machine still holds of the sandbox."""
        found = [f"interface {item}"
                 for item in network.interfaces(plans.interface_alias(self.name))]
        directory = plans.state_directory(self.name)
        if os.path.lexists(directory):
            found.append(directory)
        for top, directories, _ in os.walk("/sys/fs/cgroup"):
            found += [os.path.join(top, item) for item in directories
                      if item == f"drover-{self.name}.partition"]
        for pid in filter(str.isdigit, os.listdir("/proc")):
            if system.start_ticks(int(pid)) and self._belongs(pid, directory):
                found.append(f"process {pid}: " + _read(f"/proc/{pid}/cmdline").replace("\0", " "))
        if directory in _read("/proc/self/mountinfo"):
            found.append("a mount")
        return found

    def _belongs(self, pid, directory):
        return (f"/drover-{self.name}.partition" in _read(f"/proc/{pid}/cgroup")
                or directory + "/" in _read(f"/proc/{pid}/mountinfo")
                or directory + "/" in _read(f"/proc/{pid}/cmdline"))

    def wait_until_gone(self, wait_s=20.0):
        """Returns what is left once everything is gone, or after `wait_s`."""
        return wait_for(lambda: not self.leftovers(), wait_s) or self.leftovers()


def wait_for(condition, wait_s):
    """Returns [] when the condition came true in time, None otherwise."""
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        if condition():
            return []
        time.sleep(0.1)
    return None



def domain_xml(sandbox, host_name, disk, serial, name="guest"):
    """Returns a libvirt domain that runs the demo guest from `disk`."""
    plan = sandbox.plan
    return f"""<domain type='qemu'>
  <name>{name}</name><uuid>6f0a2f6e-0c50-4cb5-bb11-6f6a7e1a0001</uuid>
  <memory unit='MiB'>256</memory><vcpu>1</vcpu>
  <resource><partition>{plan.host_partition(plan.host(host_name))}</partition></resource>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <controller type='scsi' model='vmpvscsi'/>
    <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='{disk}'/>
      <target dev='sda' bus='scsi'/></disk>
    <interface type='bridge'><source bridge='vSwitch0'/><mac address='52:54:00:00:00:01'/>
      <model type='vmxnet3'/></interface>
    <serial type='file'><source path='{serial}'/></serial>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
  </devices>
</domain>
"""


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
