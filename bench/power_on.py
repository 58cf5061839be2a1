"""What the API costs on top of libvirt: PowerOnVM_Task against `virsh create` of the same domain.

Pairs in turn, on one host with nothing else to do. The API's time runs from the call until its
task has succeeded, which is after QEMU runs; virsh's until the program has ended: each has one
client that waits for the end.
"""

import os
import statistics
import time

from drover_e2e import Sandbox, connect, make_spec, wait_task

PAIRS = int(os.environ.get("DROVER_BENCH_PAIRS", "30"))
GOAL = 1.25
_COMMAND = "bench/run BUILD power_on"


def rows(_build):
    with Sandbox() as sandbox:
        connection = connect(sandbox)
        machine = wait_task(connection.create(make_spec("bench")))
        uuid = machine.config.uuid
        wait_task(machine.PowerOnVM_Task())
        xml = sandbox.inside("host1", "virsh", "dumpxml", "--inactive", "--security-info", uuid)
        wait_task(machine.PowerOffVM_Task())
        file = os.path.join(sandbox.directory, "bench.xml")
        with open(file, "w", encoding="utf-8") as out:
            out.write(xml)
        by_api, by_virsh, ratios = [], [], []
        for _ in range(PAIRS):
            by_api.append(_power_on(machine))
            by_virsh.append(_virsh_create(sandbox, file, uuid))
            ratios.append(by_api[-1] / by_virsh[-1])
        ratio = statistics.median(by_api) / statistics.median(by_virsh)
        yield ("PowerOnVM_Task, call to success, median",
               f"{1000 * statistics.median(by_api):.0f} ms", "", True, _COMMAND)
        yield ("virsh create of the same domain, median",
               f"{1000 * statistics.median(by_virsh):.0f} ms", "", True, _COMMAND)
        yield (f"their ratio, medians of {PAIRS} pairs", f"{ratio:.2f}", f"<= {GOAL}",
               ratio <= GOAL, _COMMAND)
        yield ("median of the pairs' ratios", f"{statistics.median(ratios):.2f}", f"<= {GOAL}",
               statistics.median(ratios) <= GOAL, _COMMAND)


def _power_on(machine):
    began = time.monotonic()
    wait_task(machine.PowerOnVM_Task())
    took = time.monotonic() - began
    wait_task(machine.PowerOffVM_Task())
    time.sleep(0.3)
    return took


def _virsh_create(sandbox, file, uuid):
    # One shell inside of the host takes the time, so that entering the host is not measured.
    script = (f"s=$(date +%s%N); virsh -q create {file} >/dev/null || exit 1; e=$(date +%s%N); "
              f"virsh -q destroy {uuid} >/dev/null; echo $((e - s))")
    took = int(sandbox.inside("host1", "sh", "-c", script)) / 1e9
    time.sleep(0.3)
    return took
