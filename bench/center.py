"""A center with 100 simulated hosts of 100 machines each: return after a kill, memory, how soon a
change on a host is seen, and listing, against one host that has as many machines itself."""

import os
import statistics
import time

from pyVmomi import vim, vmodl

from drover_e2e import wait_task
from drover_e2e.center import CenterWorld, add_to_cluster, close_session

HOSTS = int(os.environ.get("DROVER_BENCH_HOSTS", "100"))
MACHINES = 100
CHANGES = min(20, HOSTS)
ROUNDS = 5
_COMMAND = "bench/run BUILD center"


def rows(_build):
    with CenterWorld(HOSTS, MACHINES) as world:
        session = world.connect()
        cluster = session.content.rootFolder.CreateDatacenter("dc").hostFolder.CreateClusterEx(
            "cluster", vim.cluster.ConfigSpecEx())
        began = time.monotonic()
        for host in world.hosts:
            add_to_cluster(cluster, host)
        _wait_for_all(session)
        yield _row(f"{HOSTS} hosts of {MACHINES} machines added, one by one",
                   time.monotonic() - began, "s")
        close_session(session)
        world.center.kill()
        began = time.monotonic()
        world.center.start()
        session = world.connect()
        _wait_for_all(session)
        yield _row("center killed, restart to full inventory", time.monotonic() - began, "s", 10)
        yield _row("RSS of the center", _rss_mib(world.center.pid), "MiB", 1024)
        seen = [_seen_after_s(session, world.hosts[number * HOSTS // CHANGES])
                for number in range(CHANGES)]
        yield _row(f"a change on a host at a client of the center, median of {CHANGES}",
                   statistics.median(seen), "s", 1)
        yield _row("the slowest of them", max(seen), "s", 1)
        yield from _listing(session)
        close_session(session)


def _row(figure, value, unit, goal=None):
    digits = 0 if unit == "MiB" else 2
    return (figure, f"{value:.{digits}f} {unit}", f"< {goal} {unit}" if goal else "",
            goal is None or value < goal, _COMMAND)


def _retrieve(session, *paths):
    content = session.content
    view = content.viewManager.CreateContainerView(content.rootFolder, [vim.VirtualMachine], True)
    collector = vmodl.query.PropertyCollector
    selection = collector.TraversalSpec(type=vim.view.ContainerView, path="view", skip=False)
    spec = collector.FilterSpec(
        objectSet=[collector.ObjectSpec(obj=view, skip=True, selectSet=[selection])],
        propSet=[collector.PropertySpec(type=vim.VirtualMachine, pathSet=list(paths))])
    found = content.propertyCollector.RetrieveContents([spec])
    view.DestroyView()
    return found


def _wait_for_all(session):
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        states = [item.propSet[0].val for item in _retrieve(session, "runtime.connectionState")
                  if item.propSet]
        if states == ["connected"] * (HOSTS * MACHINES):
            return
        time.sleep(0.2)
    raise AssertionError(f"{len(states)} machines of {HOSTS * MACHINES}")


def _rss_mib(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _seen_after_s(session, host):
    """Renames a machine at its host; how long until a waiting client of the center is told."""
    direct = host.connect()
    try:
        machine = next(item.obj for item in _retrieve(direct, "name"))
        uuid = machine.config.instanceUuid
        mirrored = session.content.searchIndex.FindByUuid(None, uuid, True, True)
        collector = vmodl.query.PropertyCollector
        own = session.content.propertyCollector.CreatePropertyCollector()
        own.CreateFilter(collector.FilterSpec(
            objectSet=[collector.ObjectSpec(obj=mirrored)],
            propSet=[collector.PropertySpec(type=vim.VirtualMachine, pathSet=["name"])]), False)
        version = own.WaitForUpdatesEx("", collector.WaitOptions(maxWaitSeconds=10)).version
        name = f"changed-{time.monotonic_ns()}"
        wait_task(machine.ReconfigVM_Task(vim.vm.ConfigSpec(name=name)))
        began = time.monotonic()
        deadline = began + 30
        while mirrored.name != name and time.monotonic() < deadline:
            updates = own.WaitForUpdatesEx(version, collector.WaitOptions(maxWaitSeconds=10))
            version = updates.version if updates else version
        took_s = time.monotonic() - began
        own.DestroyPropertyCollector()
        return took_s
    finally:
        close_session(direct)


def _listing(session):
    paths = ("name", "runtime.powerState", "summary.config.numCpu")
    with CenterWorld(1, HOSTS * MACHINES) as alone:
        direct = alone.hosts[0].connect()
        took = {"center": [], "host": []}
        for _ in range(ROUNDS):
            for who, connection in (("center", session), ("host", direct)):
                began = time.monotonic()
                found = _retrieve(connection, *paths)
                took[who].append(time.monotonic() - began)
                assert len(found) == HOSTS * MACHINES
        close_session(direct)
    center, host = min(took["center"]), min(took["host"])
    yield _row(f"listing {HOSTS * MACHINES} machines at the center, best of {ROUNDS}", center, "s")
    yield _row("the same at one host with as many", host, "s")
    yield ("their ratio", f"{center / host:.2f}", "<= 1.2", center <= 1.2 * host, _COMMAND)
