"""What kind of world the faults are done to."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    hosts: int = 3
    machines: int = 3
    names: bool = False  # hosts know each other's names; otherwise libvirtd starts seconds later
    etcd: bool = False  # hosts beat in an etcd of their own as well as on the datastore

    @property
    def name(self):
        return f"{self.hosts} hosts" + (", etcd" if self.etcd else "")

    @property
    def host_names(self):
        return [f"host{number}" for number in range(1, self.hosts + 1)]
