"""A center and simulated hosts under test, on loopback addresses, as an unprivileged user."""

import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

from pyVim.connect import Disconnect, SmartConnect
from pyVmomi import vim, vmodl

from .client import LOST, wait_task

_HERE = os.path.dirname(os.path.realpath(__file__))
_ROOT = os.path.realpath(os.path.join(_HERE, "..", "..", ".."))
_USER = "nobody"
_START_S = 60


class _Daemon:
    """One daemon with a directory, a port and an account of its own."""

    def __init__(self, directory, program, settings, password, user):
        self.directory = directory
        self.password = password
        self.user = user
        self.port = settings["listen_port"]
        self.address = settings["listen_address"]
        self.config = os.path.join(directory, "settings.json")
        self._program = program
        self._process = None
        with open(self.config, "w", encoding="utf-8") as file:
            json.dump(settings, file)
        own = pwd.getpwnam(_USER)
        for place, _, files in os.walk(directory):
            os.chown(place, own.pw_uid, own.pw_gid)
            for name in files:
                os.chown(os.path.join(place, name), own.pw_uid, own.pw_gid)
        self._run("--set-password", user, text=password + "\n")

    def _command(self, *arguments):
        return ["setpriv", "--reuid", _USER, "--regid", "nogroup", "--clear-groups",
                "--pdeathsig", "KILL", self._program, "--config", self.config, *arguments]

    def _run(self, *arguments, text=""):
        subprocess.run(self._command(*arguments), input=text, text=True, check=True, timeout=60,
                       capture_output=True)

    @property
    def pid(self):
        return self._process.pid

    def start(self):
        with open(os.path.join(self.directory, "stderr.log"), "ab") as log:
            self._process = subprocess.Popen(self._command(), stdout=log, stderr=log)
        deadline = time.monotonic() + _START_S
        while True:
            try:
                socket.create_connection((self.address, self.port), 5).close()
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError(f"{self._program} does not start:\n{self.log()}") from None
                time.sleep(0.05)

    def log(self):
        with open(os.path.join(self.directory, "stderr.log"), encoding="utf-8",
                  errors="replace") as file:
            return file.read()[-8000:]

    def signal(self, number):
        self._process.send_signal(number)

    def kill(self):
        """What a power failure does."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGCONT)
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self):
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def restart(self):
        """kill -9 and start again."""
        self.kill()
        self.start()

    def connect(self):
        """A pyVmomi ServiceInstance; disconnect it with close_session."""
        return SmartConnect(host=self.address, port=self.port, user=self.user, pwd=self.password,
                            sslContext=ssl._create_unverified_context())


class CenterWorld:
    """N simulated hosts (not added yet) and a center. A context manager: all is gone afterwards.

    `hosts[i].address`, `.port`, `.user`, `.password` are what AddHost needs. The hosts have
    `machines` machines each.
    """

    def __init__(self, hosts=0, machines=0, shared_datastore=False, host_settings=None):
        binaries = os.environ.get("DROVER_BIN_DIR", os.path.join(_ROOT, "build", "bin"))
        self.directory = tempfile.mkdtemp(prefix="drover-center-")
        os.chmod(self.directory, 0o755)
        self.hosts = []
        self.center = None
        try:
            shared = self._make("shared")
            for index in range(hosts):
                name = f"h{index + 1}"
                directory = self._make(name)
                datastores = [{"name": f"local{index + 1}",
                               "path": self._make(os.path.join(name, "datastore"))}]
                if shared_datastore:
                    datastores.append({"name": "shared", "path": shared})
                settings = {
                    "state_directory": self._make(os.path.join(name, "state")),
                    "host_name": name, "management_address": "127.0.0.1",
                    "listen_address": "127.0.0.1", "listen_port": free_port(),
                    "hypervisor": {"kind": "simulated", "machines": machines, "seed": index + 1},
                    "datastores": datastores,
                    "networks": [{"name": "VM Network", "bridge": "br0"}],
                }
                settings.update(host_settings or {})
                self.hosts.append(_Daemon(directory, os.path.join(binaries, "drover-hostd"),
                                          settings, "secret of a host", "root"))
            directory = self._make("center")
            self.center = _Daemon(directory, os.path.join(binaries, "drover-centerd"), {
                "state_directory": self._make("center/state"), "name": "center.test",
                "management_address": "127.0.0.1", "listen_address": "127.0.0.1",
                "listen_port": free_port(),
            }, "secret of the center", "administrator")
            for host in self.hosts:
                host.start()
            self.center.start()
        except BaseException:
            self.close()
            raise

    def _make(self, name):
        path = os.path.join(self.directory, name)
        os.makedirs(path, exist_ok=True)
        own = pwd.getpwnam(_USER)
        os.chown(path, own.pw_uid, own.pw_gid)
        return path

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for daemon in [self.center, *self.hosts]:
            if daemon is not None:
                daemon.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def connect(self):
        return self.center.connect()


def add_to_cluster(cluster, host):
    """AddHost_Task as clients do it: the thumbprint comes with the first refusal."""
    spec = vim.host.ConnectSpec(hostName=f"{host.address}:{host.port}", userName=host.user,
                                password=host.password, force=False)
    try:
        return wait_task(cluster.AddHost_Task(spec, True))
    except vim.fault.SSLVerifyFault as fault:
        spec.sslThumbprint = fault.thumbprint
    return wait_task(cluster.AddHost_Task(spec, True))


def close_session(instance):
    with contextlib.suppress(*LOST, vmodl.MethodFault):
        Disconnect(instance)
    instance._stub.DropConnections()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    # By hand: how many hosts and machines; ends with Enter.
    COUNT, MACHINES = int(sys.argv[1]), int(sys.argv[2])
    with CenterWorld(COUNT, MACHINES) as world:
        print(json.dumps({"center": world.center.port, "hosts": [h.port for h in world.hosts]}))
        input()
