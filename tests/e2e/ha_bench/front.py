"""A host's way to the datastore, as the program ha-front makes it."""

import json
import os
import socket
import subprocess

from drover_e2e import wait_until


class Unavailable(RuntimeError):
    """This machine can't run the bench; the message says why."""


def programs():
    """(ha-front, the recorder's sector); raises Unavailable."""
    directory = os.environ.get("DROVER_HA_FRONT_DIR") or os.environ.get("DROVER_BIN_DIR", "")
    found = [os.path.join(directory, name) for name in ("ha-front", "recorder.bin")]
    for path in found:
        if not os.path.exists(path):
            raise Unavailable(f"{path} was not built: it needs the package libfuse3-dev")
    if not os.path.exists("/dev/fuse"):
        raise Unavailable("there is no /dev/fuse on this machine")
    return found


class Front:
    """One host's. Not of the host: it lives on when the host dies. `name` tells it from others of
    the same host; what belongs to it is in `base`. `cached`: for a directory that nobody else
    changes, whose files may be mapped."""

    def __init__(self, base, host, name, source, mount, cached=False):
        self.log = os.path.join(base, f"{name}.jsonl")
        self.watchdog = os.path.join(base, f"{name}.watchdog")
        self._control = os.path.join(base, f"{name}.sock")
        os.makedirs(mount, exist_ok=True)
        os.makedirs(os.path.join(base, "log"), exist_ok=True)
        command = [programs()[0], "--source", source, "--mount", mount,
                   "--host", host, "--log", self.log, "--control", self._control,
                   "--watchdog", self.watchdog, "--cached", "yes" if cached else "no"]
        with open(os.path.join(base, "log", f"{name}.log"), "ab") as log:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=log)
        wait_until(lambda: os.path.ismount(mount) or self._process.poll() is not None, 20,
                   f"the {name} of {host}")
        if not os.path.ismount(mount):
            with open(log.name, encoding="utf-8", errors="replace") as log:
                raise Unavailable(f"ha-front can't mount: {log.read()[-400:].strip()}")

    def stop(self):
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def tell(self, line):
        """Sends one command; its answer."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(self._control)
            client.sendall(line.encode() + b"\n")
            answer = client.makefile().readline().strip()
        assert not answer.startswith("error"), f"{line}: {answer}"
        return answer

    def set(self, mode, pattern="*", amount=0):
        self.tell(f"set {mode} {amount} {pattern}")

    def clear(self):
        self.tell("clear")

    def show(self):
        return json.loads(self.tell("show"))
