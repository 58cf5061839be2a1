"""The API with 10,000 machines: drover's simulated host against govmomi's simulator, vcsim.

Same client (over govmomi's library), same computer; the server has one core and the client the
other; the two servers take turns, so that a disturbance meets both. Times are medians.
"""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(ROOT, "sandbox"))

from drover_sandbox import simulate  # noqa: E402

MACHINES = int(os.environ.get("BENCH_MACHINES", "10000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
PASSWORD = "bench"
SERVER_CORE, CLIENT_CORE = "0", "1"
VCSIM_START_LIMIT_S = 1800

# figure, unit, how many times better than vcsim (None: no goal), goal by itself (None: none)
FIGURES = [
    ("start", "s", None, 10.0),
    ("restart", "s", None, 10.0),
    ("restart.cpu", "s", None, None),
    ("name", "s", None, None),
    ("name.server", "s", 5, None),
    ("summary", "s", None, None),
    ("summary.server", "s", 5, None),
    ("device", "s", None, None),
    ("device.server", "s", 5, None),
    ("time1", "1/s", None, None),
    ("time16", "1/s", None, None),
    ("one1", "1/s", None, None),
    ("one16", "1/s", None, None),
    ("time1.wire", "1/s", None, None),
    ("time16.wire", "1/s", 2, None),
    ("time16.wire.cpu", "us", None, None),
    ("one1.wire", "1/s", None, None),
    ("one16.wire", "1/s", 4, None),
    ("one16.wire.cpu", "us", None, None),
    ("power.asked", "s", None, None),
    ("power.after_asked", "s", None, None),
    ("power.after", "s", None, 1.0),
    ("rss", "MB", None, 300.0),
]


def rows(build):
    """Yields (figure, value, goal, met, command) for bench/run."""
    work = tempfile.mkdtemp(prefix="drover-bench-api-")
    os.chmod(work, 0o755)
    try:
        client, vcsim = build_go(work)
        ours, theirs = measure(work, client, vcsim)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    command = f"bench/run {os.path.relpath(build)} api"
    for name, unit, ratio, goal in FIGURES:
        if name not in ours:
            continue
        mine = ours[name]
        value = f"{mine:.2f} {unit}" if unit != "1/s" else f"{mine:.0f} {unit}"
        met, wanted = True, "-"
        if name in theirs:
            times = mine / theirs[name] if unit == "1/s" else theirs[name] / max(mine, 1e-9)
            value += f" ({times:.1f}x)"
            if ratio:
                met, wanted = times >= ratio, f">= {ratio}x"
        if goal is not None:
            met, wanted = mine < goal, f"< {goal:g} {unit}"
        yield f"api, {MACHINES} machines: {name}", value, wanted, met, command


def build_go(work):
    """Builds the client and vcsim from Debian's govmomi."""
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": "/usr/share/gocode",
                   "GOCACHE": os.path.join(work, "go"), "HOME": work}
    made = []
    for name in ("client", "vcsim"):
        target = os.path.join(work, name)
        subprocess.run(["go", "build", "-o", target, "."], check=True, env=environment,
                       cwd=os.path.join(HERE, "api", name))
        made.append(target)
    return made


def measure(work, client, vcsim):
    """Returns the medians of both servers."""
    port = free_port()
    config = simulate.prepare(os.path.join(work, "host"), MACHINES, port)
    simulate.set_password(config, "root", PASSWORD)
    pinned = ["taskset", "-c", SERVER_CORE]
    ours, theirs = {}, {}
    with open(os.path.join(work, "hostd.log"), "w", encoding="utf-8") as log:
        for key in ("start", "restart"):
            began = time.monotonic()
            server = simulate.start(config, pinned, log)
            ours[key] = [time.monotonic() - began]
            ours[key + ".cpu"] = [processor_seconds(server.pid)]
            if key == "start":
                stop(server)
        peer_port = free_port()
        peer, started = start_vcsim(vcsim, peer_port, pinned)
        theirs["start"] = [started]
        try:
            for _ in range(ROUNDS):
                for process, at, figures in ((peer, peer_port, theirs), (server, port, ours)):
                    run_client(client, at, figures, "-server", str(process.pid))
            ours["rss"] = [rss_mb(server.pid)]
            theirs["rss"] = [rss_mb(peer.pid)]
            # vcsim needs many minutes for that; the goal is a time, not a ratio.
            run_client(client, port, ours, "-only", "power", "-changes", str(MACHINES))
        finally:
            stop(peer)
            stop(server)
    return ({key: statistics.median(values) for key, values in ours.items()},
            {key: statistics.median(values) for key, values in theirs.items()})


def start_vcsim(program, port, pinned):
    began = time.monotonic()
    server = subprocess.Popen([*pinned, program, "-vm", str(MACHINES), "-l", f"127.0.0.1:{port}"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while time.monotonic() < began + VCSIM_START_LIMIT_S and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return server, time.monotonic() - began
        time.sleep(0.1)
    raise RuntimeError("vcsim does not start")


def run_client(client, port, figures, *arguments):
    """Adds the client's figures to lists."""
    done = subprocess.run(
        ["taskset", "-c", CLIENT_CORE, client, "-url",
         f"https://root:{PASSWORD}@127.0.0.1:{port}/sdk", *arguments],
        check=True, stdout=subprocess.PIPE, text=True)
    for line in done.stdout.splitlines():
        figure = json.loads(line)
        figures.setdefault(figure["name"], []).append(figure["value"])


def rss_mb(pid):
    """Resident memory of a process."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


def processor_seconds(pid):
    """What a process has used, in user and system mode."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def stop(process):
    """Ends a process that we started, and waits for it."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_port():
    """A port that nobody listens at right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
