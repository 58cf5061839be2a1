"""`drover sandbox simulate`: one host whose machines only seem to run.

Needs no root, no libvirt and no QEMU: drover-hostd with its simulated engine, on this computer's
own address, in a directory that is made for it and removed at the end. For trying out clients and
for figures with thousands of machines.
"""

import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from . import programs
from .errors import SandboxError

_START_LIMIT_S = 120


def add_command(commands):
    """Adds the command to the argument parser."""
    text = "one host with simulated machines, without root; Ctrl-C removes it"
    sub = commands.add_parser("simulate", help=text, description=text)
    sub.add_argument("--machines", type=int, default=1000, metavar="N",
                     help="how many machines it has (default: 1000)")
    sub.add_argument("--port", type=int, default=8989, metavar="PORT",
                     help="where it listens, on 127.0.0.1 (default: 8989)")
    sub.add_argument("--seed", type=int, default=1, metavar="S",
                     help="another seed gives other load (default: 1)")
    sub.add_argument("--faults", metavar="FILE",
                     help="fault rules; the file is read again whenever it changes")
    sub.add_argument("--password", default=None, help="of root (default: a random one)")
    sub.add_argument("--directory", metavar="DIR",
                     help="keep its state here, for another start (default: a passing one)")
    sub.set_defaults(run=run, name="default", needs_root=False)


def run(options):
    """Starts the host, says how to log in, and stays until it ends or Ctrl-C."""
    directory = os.path.abspath(options.directory) if options.directory else tempfile.mkdtemp(
        prefix="drover-simulate-")
    server = None
    try:
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _interrupt)
        password = options.password or secrets.token_hex(8)
        config = prepare(directory, options.machines, options.port, options.seed,
                         options.faults and os.path.abspath(options.faults))
        set_password(config, "root", password)
        began = time.monotonic()
        server = start(config)
        print(f"{options.machines} simulated machines after {time.monotonic() - began:.1f} s\n\n"
              f"  https://127.0.0.1:{options.port}/sdk   user root   password {password}\n\n"
              f"  drover login https://127.0.0.1:{options.port}/sdk -u root\n\n"
              "Nothing in it runs for real. Ctrl-C ends it.", flush=True)
        return server.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        if server and server.poll() is None:
            server.terminate()
            server.wait()
        if not options.directory:
            shutil.rmtree(directory, ignore_errors=True)


def prepare(directory, machines, port, seed=1, faults=None, section=None):
    """Makes directories and the configuration file; returns the file's path."""
    state, store = os.path.join(directory, "state"), os.path.join(directory, "datastore1")
    for path in (directory, state, store):
        os.makedirs(path, exist_ok=True)
    engine = {"kind": "simulated", "machines": machines, "seed": seed, **(section or {})}
    if faults:
        engine["faults_file"] = faults
    config = os.path.join(directory, "hostd.json")
    with open(config, "w", encoding="utf-8") as out:
        json.dump({"state_directory": state, "host_name": "simulated.drover.test",
                   "management_address": "127.0.0.1", "listen_address": "127.0.0.1",
                   "listen_port": port, "hypervisor": engine,
                   "datastores": [{"name": "datastore1", "path": store}],
                   "networks": [{"name": "VM Network", "bridge": "sim0"}]}, out, indent=2)
    if os.geteuid() == 0:
        os.chmod(directory, 0o755)
        user = pwd.getpwnam("nobody")
        for path in (config, state, store):
            os.chown(path, user.pw_uid, user.pw_gid)
    return config


def set_password(config, user, password):
    """Gives the account a password."""
    subprocess.run(command(config, "--set-password", user), input=password + "\n", text=True,
                   check=True)


def start(config, prefix=(), log=None, limit_s=_START_LIMIT_S):
    """Starts the host agent and returns its process once it answers."""
    with open(config, encoding="utf-8") as file:
        port = json.load(file)["listen_port"]
    server = subprocess.Popen([*prefix, *command(config)], stderr=log, stdout=log)
    deadline = time.monotonic() + limit_s
    while not _listens(port):
        if server.poll() is not None:
            raise SandboxError(f"drover-hostd ended with code {server.returncode}")
        if time.monotonic() > deadline:
            server.kill()
            raise SandboxError("drover-hostd does not answer")
        time.sleep(0.02)
    return server


def command(config, *arguments):
    """The host agent's command line; it refuses to be root."""
    drop = [] if os.geteuid() else ["setpriv", "--reuid=nobody", "--regid=nogroup",
                                    "--clear-groups"]
    return [*drop, str(programs.find("drover-hostd")), "--config", config, *arguments]


def _listens(port):
    # The kernel's table: a connection of our own would show up in the server's log.
    wanted = f"0100007F:{port:04X}"
    with open("/proc/net/tcp", encoding="ascii") as table:
        return any(line.split()[1] == wanted and line.split()[3] == "0A"
                   for line in list(table)[1:])


def _interrupt(*_):
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit("run me as: drover sandbox simulate")
