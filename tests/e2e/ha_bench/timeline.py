"""What drover-had said on all hosts since a moment."""

import datetime
import re
import time

_LINE = re.compile(r"(\S+) (\w+) (.*)")


class Timeline:
    """From its making on."""

    def __init__(self, world):
        self._world = world
        self._lengths = {host: world.said(host) for host in world.fronts}
        # Logs have the wall clock's time, but for a host whose clock is wrong.
        self._wall = time.time() - time.monotonic()

    def _said(self):
        found = []
        for host, length in self._lengths.items():
            for line in self._world.ha.said(host)[length:].splitlines():
                match = _LINE.match(line)
                if not match:
                    continue
                try:
                    when = datetime.datetime.fromisoformat(match.group(1)).timestamp()
                except ValueError:
                    continue
                found.append((when - self._wall, host, match.group(3)))
        return sorted(found)

    def first(self, uuid, what, moment):
        """When it was first said of a machine after a moment; None."""
        return next((when for when, _, text in self._said()
                     if when > moment and text.startswith(f"{uuid}: {what}")), None)

    def started(self, uuid, moment):
        """When a machine was first started anew, or None."""
        return self.first(uuid, "started the machine", moment)

    def lines(self, begun, judge):
        """Everything in order, seconds since the harm began: texts."""
        found = [(when, f"{host}: {text}") for when, host, text in self._said()]
        for name, machine in judge.machines.items():
            for lease in machine.leases:
                found.append((lease.since, f"{name}: lease {lease.generation} of "
                                           f"{lease.owner or 'nobody'} epoch {lease.epoch}"))
            for (host, pid), (first, last) in machine.writers.items():
                if last - begun < -3:
                    continue
                found.append((first, f"{name}: first write of {host} process {pid}"))
                found.append((last, f"{name}: last write of {host} process {pid}"))
        return [f"{when - begun:9.3f} {text}" for when, text in sorted(found)
                if when - begun > -3]
