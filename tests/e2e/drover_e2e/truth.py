"""Compares what the API tells with what libvirt, the datastore, the process table and hostd's own
store show."""

import json
import os
import re

from pyVmomi import vim

# What the sandbox itself puts on the datastore.
_SANDBOX_DIRECTORIES = {"demo", "iso", ".drover"}
# A file that was being written when its writer died. No client sees it; it goes with its machine.
_UNFINISHED_WRITE = ".drover-tmp-"
_LEASE = re.compile(r"(.+)\.lease\.(\d+)")


def shape_of(machine):
    """(power state, memory in MB, number of disks)"""
    hardware = machine.config.hardware
    disks = [item for item in hardware.device if isinstance(item, vim.vm.device.VirtualDisk)]
    return (machine.runtime.powerState, hardware.memoryMB, len(disks))


def differences(sandbox, connection, allowed, host="host1"):
    """Returns a line for each thing that is not as it must be; an empty list if all is well.

    `allowed` maps each machine's name to its possible shapes (None: it is not there). Machines
    that it doesn't name must not exist.
    """
    machines = connection.machines()
    found = _inventory(machines, allowed)
    running = {item.config.uuid for item in machines.values()
               if item.runtime.powerState == "poweredOn"}
    by_libvirt = sandbox.running_uuids(host)
    if running != by_libvirt:
        found.append(f"the API says {sorted(running)} run, libvirt {sorted(by_libvirt)}")
    processes = set(sandbox.qemu_processes(host))
    if processes != by_libvirt:
        found.append(f"QEMU runs for {sorted(processes)}, libvirt lists {sorted(by_libvirt)}")
    found += _files(sandbox.datastore_directory, machines)
    for machine in machines.values():
        found += _lease(sandbox, connection, machine)
    found += [f"unfinished: {item}" for item in sandbox.unfinished_sagas(host)]
    return found


def _inventory(machines, allowed):
    found = [f"{name} must not exist" for name in machines if name not in allowed]
    for name, shapes in allowed.items():
        there = machines.get(name)
        shape = shape_of(there) if there else None
        if shape not in shapes:
            found.append(f"{name} is {shape}, expected one of {shapes}")
        if there and there.runtime.connectionState != "connected":
            found.append(f"{name} is {there.runtime.connectionState}")
    return found


def _files(datastore, machines):
    """The datastore holds the files of registered machines, and nothing else."""
    expected = set()
    for machine in machines.values():
        expected |= {item.name.split("] ", 1)[1] for item in machine.layoutEx.file}
    directories = {name.split("/")[0] for name in expected} | _SANDBOX_DIRECTORIES
    found = [f"stray on the datastore: {name}" for name in os.listdir(datastore)
             if name not in directories]
    for machine in machines.values():
        directory = os.path.dirname(_path_of(machine))
        names = os.listdir(os.path.join(datastore, directory))
        for name in names:
            if name.startswith(_UNFINISHED_WRITE) or _LEASE.fullmatch(name):
                continue
            if f"{directory}/{name}" not in expected:
                found.append(f"stray file: {directory}/{name}")
        has_image = any(name.endswith(".vmss") for name in names)
        if has_image != (machine.runtime.powerState == "suspended"):
            found.append(f"{machine.name} is {machine.runtime.powerState}, "
                         f"suspend image: {has_image}")
    found += [f"missing file: {name}" for name in expected
              if not os.path.exists(os.path.join(datastore, name))]
    return found


def _lease(sandbox, connection, machine):
    """A running machine's lease is its host's, any other's is nobody's."""
    path = os.path.join(sandbox.datastore_directory, os.path.dirname(_path_of(machine)))
    cells = [match for match in map(_LEASE.fullmatch, os.listdir(path)) if match]
    latest = max(cells, key=lambda match: int(match[2]), default=None)
    owner = ""
    if latest:
        with open(os.path.join(path, latest[0]), encoding="utf-8") as file:
            owner = json.load(file)["owner"]
    runs = machine.runtime.powerState == "poweredOn"
    wanted = connection.host.hardware.systemInfo.uuid if runs else ""
    if owner == wanted:
        return []
    return [f"{machine.name} is {machine.runtime.powerState}, its lease is "
            f"{owner or 'free'} ({latest[0] if latest else 'never taken'})"]


def _path_of(machine):
    return machine.config.files.vmPathName.split("] ", 1)[1]
