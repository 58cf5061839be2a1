"""What end-to-end tests share: a sandbox of real hosts, pyVmomi connected to it, small machines.

    from drover_e2e import Sandbox, connect, make_spec, wait_task

    with Sandbox() as sandbox:
        host = connect(sandbox)
        machine = wait_task(host.create(make_spec("m1")))
        wait_task(machine.PowerOnVM_Task())

Programs come from $DROVER_BIN_DIR, or from build/bin. Needs root and /usr/bin/python3 with pyVmomi.
"""

from .client import Connection, connect, connect_when_ready, state_of, wait_task
from .sandbox import Sandbox, wait_until
from .specs import add_disk, make_spec, remove_disk

__all__ = ["Connection", "Sandbox", "add_disk", "connect", "connect_when_ready", "make_spec",
           "remove_disk", "state_of", "wait_task", "wait_until"]
