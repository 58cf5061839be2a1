"""What hostd costs while 20 machines run and nobody asks for anything."""

import os
import time

from drover_e2e import Sandbox, connect, make_spec, wait_task

MACHINES = int(os.environ.get("DROVER_BENCH_MACHINES", "20"))
SECONDS = float(os.environ.get("DROVER_BENCH_IDLE_S", "60"))
GOAL_MB, GOAL_PERCENT = 80, 2.0
_COMMAND = "bench/run BUILD idle"


def rows(_build):
    with Sandbox() as sandbox:
        connection = connect(sandbox)
        for number in range(MACHINES):
            # No disk and no network: they wait in their firmware.
            spec = make_spec(f"idle{number}", memory_mb=64, clone_of=None, nic=False)
            wait_task(wait_task(connection.create(spec)).PowerOnVM_Task())
        connection.close()
        time.sleep(20)
        pid = sandbox.process_ids("drover-hostd")[0]
        running = len(sandbox.qemu_processes())
        before = _cpu_s(pid)
        time.sleep(SECONDS)
        percent = 100 * (_cpu_s(pid) - before) / SECONDS
        megabytes = _resident_kb(pid) / 1024
        yield (f"hostd with {running} running machines, resident", f"{megabytes:.1f} MB",
               f"< {GOAL_MB} MB", megabytes < GOAL_MB and running == MACHINES, _COMMAND)
        yield (f"the same, CPU over {SECONDS:.0f} s idle, of a core", f"{percent:.2f} %",
               f"< {GOAL_PERCENT:.0f} %", percent < GOAL_PERCENT, _COMMAND)


def _cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_kb(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
