"""A sandbox under test, and what can be seen and done in it from outside of the API."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time

_HERE = os.path.dirname(os.path.realpath(__file__))
_ROOT = os.path.realpath(os.path.join(_HERE, "..", "..", ".."))
_PROGRAM = os.path.join(_ROOT, "sandbox", "drover-sandbox")

# A test that is told to stop still cleans up.
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))


class Sandbox:
    """A sandbox with a name of its own; close() removes it, whatever happened to it."""

    _count = 0

    def __init__(self, hosts=1, arguments=()):
        Sandbox._count += 1
        self.name = f"e{os.getpid()}-{Sandbox._count}"
        self._environment = dict(os.environ)
        self._environment.setdefault("DROVER_BIN_DIR", os.path.join(_ROOT, "build", "bin"))
        try:
            center = () if "--center" in arguments else ("--no-center",)
            self.run("up", "--hosts", str(hosts), *center, *arguments)
            self.status = json.loads(self.run("status", "-o", "json"))
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.run("down", check=False)

    # -- commands ---------------------------------------------------------------------------
    def run(self, verb, *arguments, check=True, text=None):
        """Runs `drover-sandbox VERB`; returns what it printed. Fails the test if it fails."""
        result = subprocess.run([_PROGRAM, verb, "--name", self.name, *arguments],
                                capture_output=True, text=True, env=self._environment,
                                input=text or "", check=False, timeout=180)
        if check and result.returncode != 0:
            raise AssertionError(f"drover-sandbox {verb} {' '.join(arguments)}: "
                                 f"{result.stderr}\n{result.stdout}")
        return result.stdout

    def inside(self, host, *command, check=True, text=None):
        """Runs a command inside a host; returns what it printed."""
        return self.run("exec", host, *command, check=check, text=text).strip()

    def running_uuids(self, host="host1"):
        """What libvirt says is running (or paused) there: a set of UUIDs."""
        return set(self.inside(host, "virsh", "-q", "list", "--uuid").split())

    # -- places -----------------------------------------------------------------------------
    @property
    def directory(self):
        return f"/var/lib/drover-sandbox/{self.name}"

    @property
    def datastore_directory(self):
        return os.path.join(self.directory, "datastore")

    def host_directory(self, host="host1"):
        return os.path.join(self.directory, "hosts", host)

    def hostd_config(self, host="host1"):
        """The path of hostd's settings; what is changed there counts from hostd's next start."""
        return os.path.join(self.host_directory(host), "hostd.json")

    def log(self, host="host1", name="drover-hostd"):
        path = os.path.join(self.host_directory(host), "log", name + ".log")
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def host(self, name="host1"):
        """The entry of `status -o json`: address, username, password, thumbprint."""
        return next(item for item in self.status["hosts"] if item["name"] == name)

    # -- processes --------------------------------------------------------------------------
    def _supervisor_pid(self, host):
        with open(os.path.join(self.directory, "ledger.json"), encoding="utf-8") as file:
            ledger = json.load(file)
        if host == "center":
            return ledger["center"]["pid"]
        return next(item["pid"] for item in ledger["hosts"] if f"host{item['number']}" == host)

    def process_ids(self, program, host="host1"):
        """Returns the process ids, as this machine sees them, of a program of a host."""
        space = os.readlink(f"/proc/{self._supervisor_pid(host)}/ns/pid")
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{pid}/ns/pid") != space:
                    continue
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    command = file.read().split(b"\0")[0].decode(errors="replace")
                if os.path.basename(command) == program:
                    found.append(int(pid))
            except OSError:
                pass  # it is gone
        return found

    def qemu_processes(self, host="host1"):
        """Returns {machine's UUID: process id} of all QEMU processes of a host."""
        found = {}
        for pid in self.process_ids("qemu-system-x86_64", host):
            try:
                with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as file:
                    words = file.read().split("\0")
                found[words[words.index("-uuid") + 1]] = pid
            except (OSError, ValueError):
                pass  # gone, or one of libvirt's probes
        return found

    def kill(self, program, host="host1"):
        """kill -9, by process id; the host starts the program again. Returns the id."""
        pids = self.process_ids(program, host)
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return pids[0] if pids else 0

    def kill_hostd(self, host="host1"):
        return self.kill("drover-hostd", host)

    # -- what hostd stored ------------------------------------------------------------------
    def unfinished_sagas(self, host="host1"):
        """What the journal of a host says is neither done nor undone."""
        path = os.path.join(self.host_directory(host), "hostd", "hostd.db")
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        try:
            return database.execute(
                "SELECT id, value FROM record WHERE kind = 'saga'").fetchall()
        finally:
            database.close()


def wait_until(condition, wait_s=30.0, what="condition"):
    """Returns the first true value of condition(); fails the test after `wait_s`."""
    deadline = time.monotonic() + wait_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {wait_s:.0f} s: {what}")
        time.sleep(0.1)
